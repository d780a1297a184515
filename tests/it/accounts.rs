//! Accounts: who they are, and what their keys may do.

use std::collections::BTreeSet;

use alicloud_tag_exporter::cloud::catalog::Catalog;
use alicloud_tag_exporter::command::products;
use serde_json::Value;
use simulator::{Fault, FaultRule, synthetic};

use crate::support::Daemon;

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_an_account_is_looked_up_once_and_exported() {
    let daemon = Daemon::start(synthetic(2, 3, 2), "").await;
    daemon.until("/tags?limit=1", |_, text| text.contains("\"account_id\":\"1234567890123456\"")).await;
    let line = "alicloud_account_info{account=\"test\",account_id=\"1234567890123456\"} 1";
    assert!(daemon.metrics().await.contains(line));
    daemon.until_fresh().await;
    assert_eq!(daemon.cloud.edit(|state| state.log.of("GetCallerIdentity").count()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_an_unknown_id_is_collected_all_the_same() {
    let mut state = synthetic(1, 3, 2);
    let fault = Fault::Code { status: 403, code: "Forbidden.RAM".to_owned() };
    state.faults.push(FaultRule { action: Some("GetCallerIdentity".to_owned()), ..FaultRule::of(fault) });
    let daemon = Daemon::start(state, "").await;
    daemon.until_fresh().await;
    assert_eq!(daemon.json("/tags").await["targets"][0]["account_id"], Value::Null);
    assert!(!daemon.metrics().await.contains("alicloud_account_info"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_and_keeps_the_last_inventory() {
    let daemon = Daemon::start(synthetic(1, 3, 2), "").await;
    daemon.until_fresh().await;
    for (action, also) in [("DescribeInstances", ""), ("ListTagResources", "tag_source = \\\"inline\\\"")] {
        let fault = Fault::Code { status: 403, code: "Forbidden.RAM".to_owned() };
        let rule = FaultRule { action: Some(action.to_owned()), ..FaultRule::of(fault) };
        daemon.cloud.edit(|state| state.faults = vec![rule]);
        let right = format!("missing RAM permission hbase:{action}");
        let text = daemon.until("/tags", |_, text| text.contains(&right)).await;
        assert!(text.contains(also) && text.contains("\"reason\":\"denied\""), "{text}");
        assert!(text.contains("\"resources\":3"), "{text}");
    }
}

#[test]
fn the_ram_policy_has_every_right_that_is_used_and_no_other() {
    let text = include_str!("../../deploy/ram-policy.json");
    let policy: Value = serde_json::from_str(text).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"));
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    let granted: BTreeSet<_> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    let catalog = Catalog::builtin();
    let used = catalog.products().flat_map(|product| product.permissions());
    assert_eq!(granted, used.collect());
    let mut printed = Vec::new();
    products::print(None, products::Format::RamPolicy, &mut printed).unwrap();
    assert!(
        text == String::from_utf8(printed).unwrap(),
        "it is not the output of `products --format ram-policy`"
    );
}
