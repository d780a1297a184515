//! Every product of the catalog through the daemon, against what the simulated cloud holds.

use std::collections::{BTreeMap, BTreeSet};

use alicloud_tag_exporter::cloud::catalog::Catalog;
use serde_json::Value;
use simulator::{AccessKey, Region, State, add_synthetic};

use crate::support::Daemon;

type Inventory = BTreeMap<String, BTreeMap<String, String>>;

const REGIONS: [&str; 2] = ["cn-hangzhou", "cn-shanghai"];
/// More than one page of every product whose pages are small, and two of those with 100 rows.
const RESOURCES: usize = 117;

/// The operations that these products have take their region from the name of the host, and a test has only one host.
const BY_HOST: [&str; 6] = ["acr-instance", "alb", "api-gateway-group", "kms-key", "kms-secret", "nas"];

#[tokio::test(flavor = "multi_thread")]
async fn every_product_is_listed_exactly_with_hostile_tags_on_several_pages_in_two_regions() {
    let catalog = Catalog::builtin();
    let (by_host, others): (Vec<_>, Vec<_>) =
        catalog.products().map(|product| product.name.as_str()).partition(|name| BY_HOST.contains(name));
    let mut wrong = differing(&REGIONS, &others).await;
    for region in REGIONS {
        wrong.extend(differing(&[region], &by_host).await);
    }
    assert_eq!(wrong, [""; 0]);
}

/// The products that are shown otherwise than they are, with the first difference.
async fn differing(regions: &[&str], products: &[&str]) -> Vec<String> {
    let daemon = listed(regions, products, |state| {
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
async fn listed(regions: &[&str], products: &[&str], fill: impl FnOnce(&mut State)) -> Daemon {
    let mut state = State::new(regions.iter().map(|id| (*id, Region::new(id, []))));
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    fill(&mut state);
    let more = format!("products = {products:?}");
    let daemon = Daemon::start_with(&[("collect.interval", "300s")], state, &more).await;
    daemon.until("/tags?limit=1", |_, text| !text.contains(r#""status":"pending""#)).await;
    daemon
}

fn held(state: &State, products: &[&str]) -> BTreeMap<String, Inventory> {
    let of = |product: &&str| {
        let regions = state.regions.values().chain([&state.global]);
        let resources = regions.flat_map(|region| region.of(product));
        let held = resources.map(|one| (one.id().to_owned(), one.tags.clone()));
        ((*product).to_owned(), held.collect())
    };
    products.iter().map(of).collect()
}

/// What `/tags` shows, by product.
fn shown(rows: &[Value]) -> BTreeMap<String, Inventory> {
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
