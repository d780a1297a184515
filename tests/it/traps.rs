//! What is easily overlooked in one product or another, each against the simulated cloud.

use std::sync::Arc;

use alicloud_tag_exporter::cloud::api::endpoint::{Network, Place, Site, endpoint};
use alicloud_tag_exporter::cloud::catalog::{self, Catalog};
use simulator::{AccessKey, Product, Region, Resource, State};

use crate::every_product::{listed, shown};
use crate::program::{self, Program};
use crate::support::Daemon;

const REGION: &str = "cn-hangzhou";

/// What is shown of one product, ids with their tags, or why nothing is.
async fn listing(product: &str, fill: impl FnOnce(&mut State)) -> String {
    listing_with(product, "auto", fill).await
}

async fn listing_with(product: &str, tag_source: &str, fill: impl FnOnce(&mut State)) -> String {
    let daemon = listed(&[REGION], &[product], tag_source, fill).await;
    match failure(&daemon).await {
        Some(failure) => failure,
        None => ids(&daemon).await,
    }
}

async fn failure(daemon: &Daemon) -> Option<String> {
    let answer = daemon.json("/tags?limit=1").await;
    let error = &answer["targets"][0]["error"];
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    Some(format!("{}: {}", text("reason")?, text("message")?))
}

async fn ids(daemon: &Daemon) -> String {
    let all = shown(&daemon.resources().await);
    all.into_values().flat_map(std::collections::BTreeMap::into_keys).collect::<Vec<_>>().join(" ")
}

/// Resources of the region, each with the kind that the product tells apart.
fn put(state: &mut State, product: &str, resources: &[(&str, &str)]) {
    let global = state.products[product].is_global();
    let region = if global { &mut state.global } else { state.regions.get_mut(REGION).unwrap() };
    for (id, variant) in resources {
        let mut resource = Resource::new(id).with_tags([("owner", "a")]);
        resource.variant = (!variant.is_empty()).then(|| (*variant).to_owned());
        region.of_mut(product).insert(resource);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_kinds_of_mongodb_instances_are_listed() {
    let kinds = [("dds-1", "replicate"), ("dds-2", "sharding"), ("dds-3", "serverless")];
    assert_eq!(listing("mongodb", |state| put(state, "mongodb", &kinds)).await, "dds-1 dds-2 dds-3");
}

#[tokio::test(flavor = "multi_thread")]
async fn warehouse_clusters_of_analyticdb_are_listed_though_they_are_not_the_default() {
    assert_eq!(listing("adb-mysql", |state| put(state, "adb-mysql", &[("am-1", "3.0")])).await, "am-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_others_and_keys_of_other_services_are_left_out() {
    let images = [("m-own", "self"), ("m-public", "system"), ("m-shared", "others")];
    assert_eq!(listing("ecs-image", |state| put(state, "ecs-image", &images)).await, "m-own");
    let keys = [("key-own", "user"), ("key-of-rds", "service")];
    assert_eq!(listing("kms-key", |state| put(state, "kms-key", &keys)).await, "key-own");
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_under_review_are_listed() {
    let domains = [("a.example.com", "shown"), ("b.example.com", "under review")];
    for product in ["cdn-domain", "dcdn-domain"] {
        let listed = listing(product, |state| put(state, product, &domains)).await;
        assert_eq!(listed, "a.example.com b.example.com", "{product}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_of_ecs_instances_without_the_permission_is_no_empty_list() {
    let answer = listing("ecs-instance", |state| {
        put(state, "ecs-instance", &[("i-1", "")]);
        state.denied.insert("ecs:DescribeInstances".to_owned());
    })
    .await;
    let expected = "denied: DescribeInstances in cn-hangzhou was denied: Forbidden.RAM, missing RAM permission \
                    ecs:DescribeInstances";
    assert!(answer.starts_with(expected), "{answer}");
    assert_eq!(listing("ecs-instance", |_| {}).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_center_that_is_not_ready_is_a_failure() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/simulator/products/ack-cluster");
    let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let example = read("example.json").replace("Finished", "Pending");
    let product = Product::parse("ack-cluster", &read("description.toml"), &example).unwrap();
    let answer = listing("ack-cluster", |state| {
        // It shares its operations with the others that come through Resource Center.
        state.products.retain(|_, product| !product.has_status());
        state.products.insert("ack-cluster".to_owned(), Arc::new(product));
    })
    .await;
    let expected = "not_ready: GetResourceCenterServiceStatus in cn-hangzhou reports that the service is not \
                    ready: InitialStatus is \"Pending\", not \"Finished\"";
    assert_eq!(answer, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_under_a_resource_and_the_token_that_ends_a_listing_are_read() {
    let many = |state: &mut State, product: &str| {
        let tags = (0..30).map(|n| (format!("key-{n}"), "v"));
        let resource = Resource::new("thing").with_tags(tags);
        let global = state.products[product].is_global();
        let region = if global { &mut state.global } else { state.regions.get_mut(REGION).unwrap() };
        region.of_mut(product).insert(resource);
    };
    for product in ["dcdn-domain", "api-gateway-group", "alb", "cen", "ess-scaling-group"] {
        let daemon = listed(&[REGION], &[product], "list-tag-resources", |state| many(state, product)).await;
        assert_eq!(failure(&daemon).await, None);
        assert_eq!(shown(&daemon.resources().await)[product]["thing"].len(), 30, "{product}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sizes_that_a_product_takes_are_kept() {
    for (product, parameter, size) in [
        ("polardb", "PageSize", "100"),
        ("mongodb", "PageSize", "100"),
        ("eci", "Limit", "20"),
        ("redis", "PageSize", "50"),
        ("mse", "PageSize", "10"),
        ("ack-cluster", "MaxResults", "500"),
    ] {
        let daemon =
            listed(&[REGION], &[product], "auto", |state| put(state, product, &[("thing", "")])).await;
        assert_eq!(failure(&daemon).await, None, "{product}");
        daemon.cloud.edit(|state| {
            let asked = state
                .log
                .iter()
                .any(|entry| entry.parameters.get(parameter).is_some_and(|sent| sent == size));
            assert!(asked, "{product}");
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_regions_of_every_api_that_lists_them_are_found() {
    let mut state = State::new(["cn-hangzhou", "cn-shanghai"].map(|id| (id, Region::new(id, []))));
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    let (_, address) = program::cloud(state).await;
    let catalog = Catalog::builtin();
    let lists_regions = |product: &&Arc<catalog::Product>| {
        !product.api.is_global() && product.regions_api().regions.is_some()
    };
    let products: Vec<_> =
        catalog.products().filter(lists_regions).map(|product| product.name.as_str()).collect();
    assert!(products.len() > 40, "{products:?}");
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "api = {{ endpoint = \"http://{address}\", requests_per_second = 5000.0, max_attempts = 1 }}
         [[accounts]]
         name = \"test\"
         regions = [\"all\"]
         products = {products:?}"
    );
    let program = Program::start(folder.path(), &config).await;
    program.until("/readyz", |text| text == "ready\n").await;
    let metrics = program.get("/metrics").await;
    let success = "alicloud_tag_exporter_region_discovery_success{";
    let unfound: Vec<_> =
        metrics.lines().filter(|line| line.starts_with(success) && !line.ends_with(" 1")).collect();
    assert_eq!(unfound, [""; 0]);
    let targets = program.json("/tags?limit=1").await["targets"].as_array().unwrap().len();
    assert_eq!(targets, products.len() * 2);
    program.stop().await;
}

#[test]
fn every_api_has_a_host_in_each_of_its_regions_for_accounts_of_either_site() {
    for product in Catalog::builtin().products() {
        let catalog::Product { api, .. } = &**product;
        let regions = match api.is_global() {
            true => &["global".to_owned()][..],
            false => &product.regions_api().endpoints.regions,
        };
        assert!(!regions.is_empty(), "{}", product.name);
        for region in regions {
            for site in [Site::China, Site::International] {
                let place = Place { api: &api.code, region, site, told_host: None };
                let url = endpoint(&api.endpoints, None, Network::Public, place).unwrap();
                assert!(url.host_str().unwrap().ends_with(".aliyuncs.com"), "{url}");
            }
        }
    }
    let host = |name: &str, site| {
        let catalog = Catalog::builtin();
        let api = &catalog.product(name).unwrap().api;
        let place = Place { api: &api.code, region: "cn-hangzhou", site, told_host: None };
        endpoint(&api.endpoints, None, Network::Public, place).unwrap().host_str().unwrap().to_owned()
    };
    assert_eq!(host("oss-bucket", Site::International), "resourcecenter-intl.aliyuncs.com");
    assert_eq!(host("cdn-domain", Site::International), "cdn.ap-southeast-1.aliyuncs.com");
    assert_eq!(host("cdn-domain", Site::China), "cdn.aliyuncs.com");
    assert_eq!(host("mongodb", Site::China), "mongodb.aliyuncs.com");
}
