//! A product that neither the exporter nor the simulated cloud has ever heard of, added by data alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use simulator::{Product, Resource, State, synthetic};

use crate::support::Daemon;

/// For the exporter: no region listing, global.
const API: &str = r#"
    code = "acme"
    version = "2020-01-01"
    requests_per_second = 2.0
    scope = "global"
    [endpoints]
    public_pattern = "acme.aliyuncs.com"
"#;

/// For the exporter: inline tags, pages by token, times since the epoch, a lookup by a JSON array.
const PRODUCT: &str = r#"
    name = "acme-site"
    api = "acme"
    resource_type = "ACS::Acme::Site"
    [resources]
    action = "ListSites"
    paging = { style = "next-token", max_results = 3 }
    items = "Sites.Site"
    id = ["SiteId"]
    name = ["SiteName"]
    status = ["Status"]
    resource_group_id = []
    created_at = ["CreateTime"]
    created_as = "epoch-ms"
    inline_tags = "Tags.Tag"
    lookup = { parameters = { SiteIds = "[\"{id}\"]" } }
"#;

/// For the simulated cloud.
const DESCRIPTION: &str = r#"
    sources = ["https://www.example.com/acme"]
    api = "acme"
    version = "2020-01-01"
    global = true
    [resources]
    action = "ListSites"
    rows = "Sites.Site"
    paging = { by = "token", size = "MaxResults", default = 3, max = 3, omits_last_token = true }
    parameters = { SiteIds = { is = "id", as = "json-array", max = 20 } }
    row = { SiteId = "{id}", SiteName = "{name}", Status = "{status}", CreateTime = "{created:%s}000" }
    tags = { at = "Tags.Tag", key = "Key", value = "Value" }
"#;

const EXAMPLE: &str = r#"{ "resources": {
    "RequestId": "R", "NextToken": "t",
    "Sites": { "Site": [{
        "SiteId": "s", "SiteName": "n", "Status": "ok", "CreateTime": 1568299246000,
        "Tags": { "Tag": [{ "Key": "k", "Value": "v" }] }
    }] }
} }"#;

fn state() -> State {
    let mut state = synthetic(1, 0, 0);
    let product = Product::parse("acme-site", DESCRIPTION, EXAMPLE).unwrap();
    state.products.insert("acme-site".to_owned(), Arc::new(product));
    for number in 0..7 {
        let site = Resource::new(&format!("s-{number}")).with_tags([("number", number.to_string())]);
        state.global.of_mut("acme-site").insert(site);
    }
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_of_another_shape_is_listed_exactly_from_data_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("api")).unwrap();
    std::fs::write(folder.path().join("api/acme.toml"), API).unwrap();
    std::fs::write(folder.path().join("site.toml"), PRODUCT).unwrap();
    let path = folder.path().to_str().unwrap();
    let daemon = Daemon::start_with(&[("catalog.path", path)], state(), "products = [\"acme-site\"]").await;
    daemon.until_fresh().await;
    let rows = daemon.resources().await;
    let ids: Vec<_> = rows.iter().map(|row| row["resource_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["s-0", "s-1", "s-2", "s-3", "s-4", "s-5", "s-6"]);
    assert_eq!((&rows[6]["region_id"], &rows[6]["tags"]), (&json!("global"), &json!({ "number": "6" })));
    let created: jiff::Timestamp = rows[0]["created_at"].as_str().unwrap().parse().unwrap();
    let expected =
        daemon.cloud.edit(|state| state.global.of("acme-site").get("s-0").unwrap().created.clone());
    assert_eq!(created, expected.parse().unwrap());

    daemon.cloud.edit(|state| state.global.of_mut("acme-site").remove("s-3"));
    let changes = daemon.until("/tags/changes", |_, text| text.contains("s-3")).await;
    assert!(changes.contains("resource_disappeared"), "{changes}");
    let names_it = |parameters: &BTreeMap<String, String>| {
        parameters.get("SiteIds").is_some_and(|ids| ids == r#"["s-3"]"#)
    };
    let looked_up =
        daemon.cloud.edit(|state| state.log.iter().filter(|entry| names_it(&entry.parameters)).count());
    assert_eq!(looked_up, 1, "the array names the one that is missing");
}
