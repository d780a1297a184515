//! The world that the `demo` command shows: a company with ten products in three regions, tagged as people tag.

use fastrand::Rng;
use jiff::Timestamp;

use super::access_key::AccessKey;
use super::state::{Region, State};

mod drift;
mod fleet;
mod others;

pub use drift::drift;

/// The only access key of the demo's cloud. It opens nothing else.
pub const ACCESS_KEY_ID: &str = "demo-access-key";
pub const ACCESS_KEY_SECRET: &str = "demo-secret";

/// A region, the signs that ids in it begin with, how many clusters it has at first, and where its slips begin.
struct DemoRegion {
    id: &'static str,
    local_name: &'static str,
    id_prefix: &'static str,
    clusters: usize,
    first_slip: usize,
}

const REGIONS: [DemoRegion; 3] = [
    DemoRegion {
        id: "cn-hangzhou",
        local_name: "China (Hangzhou)",
        id_prefix: "bp1",
        clusters: 28,
        first_slip: 0,
    },
    DemoRegion {
        id: "cn-shanghai",
        local_name: "China (Shanghai)",
        id_prefix: "uf6",
        clusters: 20,
        first_slip: 7,
    },
    DemoRegion {
        id: "ap-southeast-1",
        local_name: "Singapore",
        id_prefix: "t4n",
        clusters: 12,
        first_slip: 12,
    },
];

/// The world as it is at the start: for the same numbers from `rng` the same one, with ages relative to `now`.
pub fn state(rng: &mut Rng, now: Timestamp) -> State {
    let mut state = State::new(REGIONS.map(|region| {
        let clusters =
            (0..region.clusters).map(|n| fleet::old_cluster(rng, &region, n, now)).collect::<Vec<_>>();
        (region.id, Region::new(region.local_name, clusters))
    }));
    if let Some(region) = state.regions.get_mut(REGIONS[0].id) {
        region.of_mut("hbase").insert(fleet::new_cluster(rng, &REGIONS[0], now - fleet::FEW_MINUTES));
    }
    others::add(&mut state, rng, now);
    state.access_keys.insert(ACCESS_KEY_ID.to_owned(), AccessKey::long_term(ACCESS_KEY_SECRET));
    state
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: &str = "2026-11-24T09:00:00Z";

    fn world() -> State {
        state(&mut Rng::with_seed(1), NOW.parse().unwrap())
    }

    fn all_tags(state: &State) -> BTreeSet<(&str, &str)> {
        let clusters = state.regions.values().flat_map(|region| region.of("hbase"));
        clusters
            .flat_map(|cluster| &cluster.tags)
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_world() {
        assert_eq!(format!("{:?}", all_tags(&world())), format!("{:?}", all_tags(&world())));
        let sizes: Vec<_> = world().regions.values().map(|region| region.of("hbase").len()).collect();
        assert_eq!(sizes, [12, 29, 20]);
    }

    #[test]
    fn there_are_ten_products_with_near_misses_and_forbidden_and_invalid_tags() {
        let world = world();
        let places = world.regions.values().chain([&world.global]);
        let products: BTreeSet<_> = places.clone().flat_map(|place| place.resources.keys()).collect();
        assert_eq!(products.len(), 10, "{products:?}");
        let others = products.into_iter().filter(|product| *product != "hbase");
        let resources: Vec<_> =
            others.flat_map(|product| places.clone().flat_map(move |place| place.of(product))).collect();
        assert!(resources.len() > 200, "{}", resources.len());
        for (key, value) in [("ownr", ""), ("temp", ""), ("env", "production"), ("owner", "")] {
            let has = |resource: &&&crate::Resource| {
                resource.tags.get(key).is_some_and(|tag| value.is_empty() || tag == value)
            };
            assert!(resources.iter().any(|resource| has(&resource)), "{key}={value}");
        }
        assert!(resources.iter().any(|resource| resource.tags.is_empty()));
    }

    #[test]
    fn there_is_something_to_find() {
        let world = world();
        let tags = all_tags(&world);
        let keys: BTreeSet<_> = tags.iter().map(|(key, _)| *key).collect();
        for key in ["owner", "env", "cost-center", "team", "Owner ", "ownr", "负责人", "cost_center"] {
            assert!(keys.contains(key), "{key}");
        }
        for text in ["\"", "\n", "\u{1b}", "<script>"] {
            assert!(tags.iter().any(|(_, value)| value.contains(text)), "{text:?}");
        }
        assert!(tags.iter().any(|(_, value)| value.is_empty()));
        let clusters: Vec<_> = world.regions.values().flat_map(|region| region.of("hbase")).collect();
        assert!(clusters.iter().filter(|cluster| cluster.tags.is_empty()).count() >= 3);
        assert!(clusters.iter().any(|cluster| cluster.created == "2026-11-24T08:56:00Z"));
        assert!(clusters.iter().map(|cluster| &cluster.status).collect::<BTreeSet<_>>().len() >= 3);
    }
}
