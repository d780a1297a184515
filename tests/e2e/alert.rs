//! A cluster loses its owner tag: its owner is told, through a restart of the exporter, until the tag is back.

use std::path::Path;

use simulator::{AccessKey, Region, Resource, State};

use crate::exporter::Exporter;
use crate::monitoring::{Monitoring, programs};
use crate::process::until;
use crate::webhook::Webhook;

const ALERT: &str = "RequiredTagMissing";
const POLICY: &str = r#"
    [metrics]
    tag_labels = ["team"]
    [[policy.required_tags]]
    key = "owner"
"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn the_last_owner_is_told_of_a_lost_tag_through_a_restart_by_prometheus_2() {
    with_and_without_a_state_file(&programs(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn the_last_owner_is_told_of_a_lost_tag_through_a_restart_by_prometheus_3() {
    with_and_without_a_state_file(&programs(3)).await;
}

async fn with_and_without_a_state_file(programs: &Path) {
    let with_state = format!("{POLICY}\n[state]\npath = \"{{folder}}/state.db\"");
    tokio::join!(tag_is_lost_and_found(programs, POLICY), tag_is_lost_and_found(programs, &with_state));
}

async fn tag_is_lost_and_found(programs: &Path, more: &str) {
    let mut exporter = Exporter::start(cloud(), more).await;
    let mut webhook = Webhook::start().await;
    let monitoring = Monitoring::start(programs, &exporter.address, &webhook.address).await;
    monitoring.until(r#"resource:alicloud_owner:last_seen_timestamp_seconds{tag_owner="li.na"}"#).await;

    retag(&exporter, |cluster| _ = cluster.tags.remove("owner"));
    let told = webhook.receives(ALERT, "firing").await;
    let expected = [
        ("account", "prod"),
        ("key", "owner"),
        ("product", "hbase"),
        ("region_id", "cn-hangzhou"),
        ("resource_id", "hb-1"),
        ("resource_name", "orders"),
        ("severity", "warning"),
        ("tag_owner", "li.na"),
        ("tag_team", "search"),
    ];
    for (name, value) in expected {
        assert_eq!(told["labels"][name], value, "{name} of {told}");
    }
    let labels = told["labels"].as_object().unwrap();
    assert_eq!(labels.len(), 1 + expected.len(), "{told}");

    let since = monitoring.active_since(ALERT, "firing").await.unwrap();
    exporter.terminate().await;
    monitoring.until(r#"up{job="alicloud-tag-exporter"} == 0"#).await;
    assert!(monitoring.query("alicloud_resource_tags").await.is_empty());
    exporter.run().await;
    monitoring.until("alicloud_resource_tags").await;
    assert_eq!(monitoring.active_since(ALERT, "firing").await, Some(since));
    assert!(webhook.received(ALERT, "resolved").is_empty());

    retag(&exporter, |cluster| _ = cluster.tags.insert("owner".to_owned(), "chen.jie".to_owned()));
    let resolved = webhook.receives(ALERT, "resolved").await;
    assert_eq!(resolved["labels"], told["labels"]);
    until("the end of the alert", async || {
        monitoring.active_since(ALERT, "firing").await.is_none().then_some(())
    })
    .await;
    assert_eq!(monitoring.rule_errors().await, Vec::<serde_json::Value>::new());
}

fn cloud() -> State {
    let mut cluster = Resource::new("hb-1").with_tags([("owner", "li.na"), ("team", "search")]);
    cluster.name = "orders".to_owned();
    let other = Resource::new("hb-2").with_tags([("owner", "wang.wei"), ("team", "risk")]);
    let mut state = State::new([("cn-hangzhou", Region::new("China (Hangzhou)", [cluster, other]))]);
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    state
}

fn retag(exporter: &Exporter, change: impl FnOnce(&mut Resource)) {
    exporter.cloud.edit(|state| {
        let region = state.regions.get_mut("cn-hangzhou").unwrap();
        change(region.of_mut("hbase").get_mut("hb-1").unwrap());
    });
}
