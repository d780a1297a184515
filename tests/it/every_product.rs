//! Every product of the catalog through the daemon, against what the simulated cloud holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alicloud_tag_exporter::cloud::catalog::{Catalog, Path, Product};
use serde_json::Value;
use simulator::{AccessKey, Region, State, add_synthetic};

use crate::support::Daemon;

pub type Inventory = BTreeMap<String, BTreeMap<String, String>>;

const REGIONS: [&str; 2] = ["cn-hangzhou", "cn-shanghai"];
/// More than one page of every product whose pages are small, and two of those with 100 rows.
pub const RESOURCES: usize = 117;

/// The operations that these products have take their region from the name of the host, and a test has only one host.
const BY_HOST: [&str; 6] = ["acr-instance", "alb", "api-gateway-group", "kms-key", "kms-secret", "nas"];

#[tokio::test(flavor = "multi_thread")]
async fn every_product_is_listed_exactly_with_hostile_tags_on_several_pages_in_two_regions() {
    let catalog = Catalog::builtin();
    let (by_host, others): (Vec<_>, Vec<_>) =
        catalog.products().map(|product| product.name.as_str()).partition(|name| BY_HOST.contains(name));
    let mut wrong = differing(&REGIONS, &others, "auto").await;
    for region in REGIONS {
        wrong.extend(differing(&[region], &by_host, "auto").await);
    }
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tag_listings_tell_the_same_as_the_rows_of_the_products_that_have_both() {
    let catalog = Catalog::builtin();
    let has_both =
        |product: &&Arc<Product>| product.tags.is_some() && product.resources.inline_tags.is_some();
    let products: Vec<_> = catalog.products().filter(has_both).map(|product| product.name.as_str()).collect();
    assert!(products.len() > 30, "{products:?}");
    assert_eq!(differing(&REGIONS[..1], &products, "list-tag-resources").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_creation_time_are_those_of_the_cloud_however_a_product_writes_them() {
    let catalog = Catalog::builtin();
    let products: Vec<_> = catalog.products().map(|product| product.name.as_str()).collect();
    let daemon = listed(&REGIONS[..1], &products, "auto", |state| {
        products.iter().for_each(|product| add_synthetic(state, product, 2, 0));
    })
    .await;
    let mut without = BTreeMap::from([("status", BTreeSet::new()), ("created_at", BTreeSet::new())]);
    for row in daemon.resources().await {
        let product = row["product"].as_str().unwrap();
        let id = row["resource_id"].as_str().unwrap();
        let told = ["status", "created_at"].map(|name| (name, row[name].as_str().unwrap_or_default()));
        daemon.cloud.edit(|state| {
            let mut regions = state.regions.values().chain([&state.global]);
            let held = regions.find_map(|region| region.of(product).get(id)).unwrap();
            for ((name, told), held) in told.into_iter().zip([&held.status, &held.created]) {
                if told.is_empty() {
                    without.get_mut(name).unwrap().insert(product.to_owned());
                } else {
                    assert_eq!(told, held, "{product}");
                }
            }
        });
    }
    let has_none = |paths: fn(&Product) -> &[Path]| {
        let without = catalog.products().filter(|product| paths(product).is_empty());
        without.map(|product| product.name.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(without["status"], has_none(|product| &product.resources.status));
    assert_eq!(without["created_at"], has_none(|product| &product.resources.created_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_resource_is_looked_up_and_gone_from_every_product_that_has_a_lookup() {
    let catalog = Catalog::builtin();
    let proves = |product: &&Arc<Product>| {
        product.resources.lookup.as_ref().is_some_and(|lookup| lookup.deleted.is_none())
    };
    let products: Vec<_> = catalog.products().filter(proves).map(|product| product.name.as_str()).collect();
    assert!(products.len() > 35, "{products:?}");
    let settings = [("collect.interval", "3s"), ("collect.deadline", "3s")];
    let daemon = listed_with(&settings, &REGIONS[..1], &products, "auto", |state| {
        products.iter().for_each(|product| add_synthetic(state, product, 3, 1));
    })
    .await;
    daemon.cloud.edit(|state| {
        for place in state.regions.values_mut().chain([&mut state.global]) {
            for resources in place.resources.values_mut() {
                let first = resources.iter().next().map(|resource| resource.id().to_owned());
                first.and_then(|id| resources.remove(&id));
            }
        }
    });
    let left = products.len() * 2;
    let all_gone = |_: u16, text: &str| text.matches(r#""resource_id""#).count() == left;
    daemon.until("/tags?limit=1000", all_gone).await;
    let wrong: Vec<_> = daemon.cloud.edit(|state| {
        let refused = state.log.iter().filter(|entry| entry.code.as_deref().is_some_and(is_misuse));
        refused.map(|entry| format!("{} {:?}", entry.action, entry.code)).collect()
    });
    assert_eq!(wrong, [""; 0]);
}

/// Whether a code says that the request makes no sense, and not that something is absent.
fn is_misuse(code: &str) -> bool {
    code.starts_with("Missing") || (code.starts_with("Invalid") && !code.contains("NotFound"))
}

/// The products that are shown otherwise than they are, with the first difference.
async fn differing(regions: &[&str], products: &[&str], tag_source: &str) -> Vec<String> {
    let daemon = listed(regions, products, tag_source, |state| {
        products.iter().for_each(|product| add_synthetic(state, product, RESOURCES, 3));
    })
    .await;
    let expected = daemon.cloud.edit(|state| held(state, products));
    let shown = shown(&daemon.resources().await);
    assert_eq!(expected.len(), expected.iter().filter(|(_, held)| held.len() >= RESOURCES).count());
    let pending = daemon.json("/tags?limit=1").await;
    let differs = |(product, held): (String, Inventory)| {
        let shown = shown.get(&product).cloned().unwrap_or_default();
        let difference = difference(&held, &shown)?;
        Some(format!("{product}: {difference} {}", problem(&pending, &product)))
    };
    expected.into_iter().filter_map(differs).collect()
}

/// A daemon that has listed `products` once in the regions.
pub async fn listed(
    regions: &[&str],
    products: &[&str],
    tag_source: &str,
    fill: impl FnOnce(&mut State),
) -> Daemon {
    listed_with(&[("collect.interval", "300s")], regions, products, tag_source, fill).await
}

async fn listed_with(
    settings: &[(&'static str, &str)],
    regions: &[&str],
    products: &[&str],
    tag_source: &str,
    fill: impl FnOnce(&mut State),
) -> Daemon {
    let mut state = State::new(regions.iter().map(|id| (*id, Region::new(id, []))));
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    fill(&mut state);
    let more = format!("products = {products:?}\ntag_source = {tag_source:?}");
    let daemon = Daemon::start_with(settings, state, &more).await;
    daemon.until("/tags?limit=1", |_, text| !text.contains(r#""status":"pending""#)).await;
    daemon
}

pub fn held(state: &State, products: &[&str]) -> BTreeMap<String, Inventory> {
    let of = |product: &&str| {
        let regions = state.regions.values().chain([&state.global]);
        let resources = regions.flat_map(|region| region.of(product));
        let held = resources.map(|one| (one.id().to_owned(), one.tags.clone()));
        ((*product).to_owned(), held.collect())
    };
    products.iter().map(of).collect()
}

/// What `/tags` shows, by product.
pub fn shown(rows: &[Value]) -> BTreeMap<String, Inventory> {
    let mut all = BTreeMap::<String, Inventory>::new();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let tags = serde_json::from_value(row["tags"].clone()).unwrap();
        let before = all.entry(text("product")).or_default().insert(text("resource_id"), tags);
        assert_eq!(before, None, "{row}");
    }
    all
}

fn difference(held: &Inventory, shown: &Inventory) -> Option<String> {
    let ids: BTreeSet<_> = held.keys().chain(shown.keys()).collect();
    let id = ids.into_iter().find(|id| held.get(*id) != shown.get(*id))?;
    let tags = |of: &Inventory| of.get(id).map_or_else(|| "absent".to_owned(), short);
    Some(format!("{id} is {}, shown {}; {} of {}", tags(held), tags(shown), shown.len(), held.len()))
}

fn short(tags: &BTreeMap<String, String>) -> String {
    format!("{tags:?}").chars().take(60).collect()
}

/// What `/targets` says about a product that was not listed.
fn problem(targets: &Value, product: &str) -> String {
    let targets = targets["targets"].as_array().into_iter().flatten();
    let of_product = targets.filter(|target| target["product"] == product);
    of_product.map(|target| target["error"].to_string()).collect()
}
