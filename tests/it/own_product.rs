//! `docs/adding-a-product.md`, followed word by word.

use std::sync::Arc;

use simulator::{AccessKey, Product, Region, State, add_synthetic};

use crate::every_product::shown;
use crate::support::Daemon;

/// The vendor's side of the product that the page adds.
const DESCRIPTION: &str = r#"
    sources = ["https://github.com/aliyun/alibabacloud-python-sdk (alibabacloud-ecs20140526)"]
    api = "ecs"
    version = "2014-05-26"
    [resources]
    action = "DescribeDedicatedHosts"
    rows = "DedicatedHosts.DedicatedHost"
    paging = { by = "token", size = "MaxResults", default = 10, max = 100 }
    parameters = { DedicatedHostIds = { is = "id", as = "comma", max = 100 } }
    tags = { at = "Tags.Tag", key = "TagKey", value = "TagValue" }
    [resources.row]
    DedicatedHostId = "{id}"
    DedicatedHostName = "{name}"
    Status = "{status}"
"#;
const EXAMPLE: &str = r#"{ "resources": {
    "RequestId": "1", "NextToken": "x", "DedicatedHosts": { "DedicatedHost": [{
        "DedicatedHostId": "dh-bp165p6xk2tlw61e****", "DedicatedHostName": "test", "Status": "Available",
        "Tags": { "Tag": [{ "TagKey": "owner", "TagValue": "test" }] }
    }] }
} }"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_product_that_the_page_adds_is_listed() {
    let page = include_str!("../../docs/adding-a-product.md");
    let file = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dedicated-host.toml"), file).unwrap();
    let mut state = State::new([("cn-hangzhou", Region::new("Hangzhou", []))]);
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    let product = Product::parse("hosts", DESCRIPTION, EXAMPLE).unwrap();
    state.products.insert("hosts".to_owned(), Arc::new(product));
    add_synthetic(&mut state, "hosts", 117, 3);
    let more = format!(
        "products = [\"ecs-dedicated-host\"]\n[catalog]\npath = {:?}",
        folder.path().display().to_string()
    );
    let daemon = Daemon::start(state, &more).await;
    daemon.until_fresh().await;
    assert_eq!(shown(&daemon.resources().await)["ecs-dedicated-host"].len(), 117);
}
