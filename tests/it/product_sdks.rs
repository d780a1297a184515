//! The catalog against the official SDKs of all products: what their models have, and what their clients list.
//!
//! `scripts/python-venv` installs them, with `tests/python/products.txt`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use alicloud_tag_exporter::cloud::catalog::Catalog;
use serde_json::{Value, json};
use simulator::{AccessKey, Region, State, add_synthetic};

use crate::every_product::{RESOURCES, held};
use crate::sdk::{ended, started};

#[test]
#[ignore = "needs the official SDKs of all products; `make test` runs it"]
fn every_action_parameter_and_path_of_the_catalog_is_in_the_models_of_the_official_sdks() {
    let output = python("product_models.py", &[]);
    let problems = String::from_utf8(output.stdout).unwrap();
    assert_eq!(problems, "", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the official SDKs of all products; `make test` runs it"]
async fn the_clients_of_the_official_sdks_list_what_the_simulated_cloud_holds_of_every_product() {
    let catalog = Catalog::builtin();
    let products: Vec<_> = catalog.products().map(|product| product.name.as_str()).collect();
    let mut state = State::new([("cn-hangzhou", Region::new("Hangzhou", []))]);
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    products.iter().for_each(|product| add_synthetic(&mut state, product, RESOURCES, 3));
    let (cloud, address, _guard) = started(state).await;
    let port = address.port().to_string();
    let listing = tokio::task::spawn_blocking(move || python("product_clients.py", &[&port]));
    let output = listing.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    let held = cloud.edit(|state| held(state, &products));
    assert_eq!(listed.len(), 2);
    for (signature, listed) in listed {
        for (product, held) in &held {
            assert!(listed[product] == json!(held), "{product} differs with {signature}");
        }
    }
}

fn python(script: &str, arguments: &[&str]) -> Output {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv-products/bin/python");
    ended(&venv, script, arguments, "")
}
