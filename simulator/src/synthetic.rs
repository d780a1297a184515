//! Clouds of any size, for tests and measurements.

use std::iter;

use super::access_key::AccessKey;
use super::product::Product;
use super::resources::Resource;
use super::state::{Region, State};

/// Region ids of the real cloud, for the first regions.
const REGIONS: [&str; 10] = [
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "cn-zhangjiakou",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-northeast-1",
    "eu-central-1",
    "us-west-1",
];

/// Keys that are hard for label names: other scripts, and two that differ in one sign only.
const KEYS: [&str; 8] =
    ["env", "owner", "cost-center", "cost_center", "负责人", "Env", "team/name", "purpose of use"];

/// A cloud with this many regions, clusters in each and tags on each cluster; the same on every call.
///
/// The access key is `testid` with the secret `testsecret`. Keys and values are varied: other scripts, quotes,
/// newlines, backslashes, empty values, values of the greatest length.
pub fn synthetic(regions: usize, clusters_per_region: usize, tags_per_cluster: usize) -> State {
    let mut state = State::default();
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    for region in 0..regions {
        let id = REGIONS.get(region).map_or_else(|| format!("sim-region-{region}"), ToString::to_string);
        let clusters = (0..clusters_per_region).map(|n| cluster(region, n, tags_per_cluster));
        state.regions.insert(id.clone(), Region::new(&format!("Region {id}"), clusters));
    }
    state
}

/// Adds this many resources of any product to every region, or of a product without regions to the cloud; the same on
/// every call. Ids and statuses look like those in the vendor's example.
pub fn add_synthetic(state: &mut State, product: &str, resources: usize, tags: usize) {
    let Some(product) = state.products.get(product).cloned() else { return };
    let regions: Vec<_> = match product.global {
        true => vec![&mut state.global],
        false => state.regions.values_mut().collect(),
    };
    for (place, region) in regions.into_iter().enumerate() {
        let of_product = region.of_mut(product.name());
        (0..resources).for_each(|n| of_product.insert(resource(&product, place, n, tags)));
    }
}

fn resource(product: &Product, region: usize, n: usize, tags: usize) -> Resource {
    let example = product.example_id().unwrap_or_default();
    let prefix = example.split_once('-').map_or("sim", |(prefix, _)| prefix);
    let mut resource = Resource::new(&format!("{prefix}-sim{region:02}{n:08}"));
    resource.name = format!("{}-{region}-{n}", product.name());
    resource.status = product.example_status().unwrap_or_default();
    resource.created = created(n);
    resource.with_tags((0..tags).map(|t| (key(t), value(n, t))))
}

fn cluster(region: usize, n: usize, tags: usize) -> Resource {
    let prefix = ["hb", "ld", "bds"][n % 3];
    let mut cluster = Resource::new(&format!("{prefix}-sim{region:02}{n:08}"));
    cluster.name = format!("cluster-{region}-{n}");
    cluster.created = created(n);
    cluster.with_tags((0..tags).map(|t| (key(t), value(n, t))))
}

fn created(n: usize) -> String {
    format!("2023-{:02}-{:02}T{:02}:00:00Z", 1 + n % 12, 1 + n % 28, n % 24)
}

/// The first keys are the hard ones, the others are numbered.
fn key(t: usize) -> String {
    KEYS.get(t).map_or_else(|| format!("key-{t}"), ToString::to_string)
}

/// Mostly plain; every eighth is hard to write down. The longest has 128 characters, the greatest length of a value.
fn value(n: usize, t: usize) -> String {
    match (n + t) % 8 {
        0 => format!("team \"{}\"", n % 10),
        1 => String::new(),
        2 => iter::repeat_n("长", 128).collect(),
        3 => "first line\nsecond line\\end".to_owned(),
        _ => format!("value-{}", n % 50),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(state: &State) -> Vec<(&String, &String)> {
        state
            .regions
            .values()
            .flat_map(|region| region.of("hbase"))
            .flat_map(|cluster| &cluster.tags)
            .collect()
    }

    #[test]
    fn a_cloud_has_the_size_that_was_asked_for_and_is_the_same_each_time() {
        let (one, other) = (synthetic(12, 5, 10), synthetic(12, 5, 10));
        assert_eq!(one.regions.len(), 12);
        assert!(one.regions.values().all(|region| region.of("hbase").len() == 5));
        assert!(
            one.regions
                .values()
                .flat_map(|region| region.of("hbase"))
                .all(|cluster| cluster.tags.len() == 10)
        );
        assert_eq!(tags(&one), tags(&other));
    }

    #[test]
    fn the_hard_texts_are_there() {
        let state = synthetic(1, 16, 8);
        let tags = tags(&state);
        for hard in ["\"", "\n", "\\", "长"] {
            assert!(tags.iter().any(|(_, value)| value.contains(hard)), "{hard:?}");
        }
        assert!(tags.iter().any(|(_, value)| value.is_empty()));
        assert!(tags.iter().any(|(_, value)| value.chars().count() == 128));
        assert!(KEYS.iter().all(|key| tags.iter().any(|(present, _)| present == key)));
    }
}
