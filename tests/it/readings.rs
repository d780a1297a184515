//! Listings that are read again, and where tags come from: as users see it.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::{Fault, FaultRule, synthetic};

use crate::support::Daemon;

const MISMATCH: &str = "alicloud_tag_exporter_listing_count_mismatch{account=\"test\",region_id=\"cn-hangzhou\",product=\"hbase\"}";

/// Every listing gives this one cluster, and counts `total`.
fn one_cluster(id: &str, total: usize) -> FaultRule {
    let body = json!({"TotalCount": total, "Instances": {"Instance": [{"InstanceId": id}]}});
    let fault = Fault::Body(body.to_string());
    FaultRule { action: Some("DescribeInstances".to_owned()), ..FaultRule::of(fault) }
}

fn requests(daemon: &Daemon, action: &str) -> usize {
    daemon.cloud.edit(|state| state.log.of(action).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn inline_tags_are_taken_without_asking_for_them_and_are_the_same() {
    let daemon = Daemon::start_with(&[], synthetic(1, 30, 4), "tag_source = \"inline\"").await;
    daemon.until_fresh().await;
    let inline = daemon.resources().await;
    assert_eq!(requests(&daemon, "ListTagResources"), 0);
    let daemon = Daemon::start(synthetic(1, 30, 4), "").await;
    daemon.until_fresh().await;
    assert_eq!(inline, daemon.resources().await);
    assert!(requests(&daemon, "ListTagResources") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_clusters_than_the_count_are_a_metric_and_stop_nothing() {
    let mut state = synthetic(1, 3, 1);
    state.faults.push(one_cluster("hb-1", 0));
    let daemon = Daemon::start(state, "tag_source = \"inline\"").await;
    let mismatch =
        |value| move |_, text: &str| text.lines().any(|line| line == format!("{MISMATCH} {value}"));
    daemon.until("/metrics", mismatch(1)).await;
    daemon.until_fresh().await;
    assert_eq!(daemon.resources().await[0]["resource_id"], "hb-1");
    daemon.cloud.edit(|state| state.faults = vec![one_cluster("hb-1", 1)]);
    daemon.until("/metrics", mismatch(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_missing_remove_nothing_and_the_target_recovers() {
    let daemon = Daemon::start(synthetic(1, 3, 1), "").await;
    daemon.until_fresh().await;
    let before = daemon.resources().await;
    daemon.cloud.edit(|state| state.faults.push(one_cluster("hb-new", 3)));
    let text = daemon.until("/tags", |_, text| text.contains("\"reason\":\"inconsistent\"")).await;
    assert!(text.contains("the cloud counts 3 resources but lists 1"), "{text}");
    assert_eq!(before, daemon.resources().await);
    daemon.cloud.edit(|state| state.faults.clear());
    daemon.until_fresh().await;
    assert_eq!(before, daemon.resources().await);
    let changes = daemon.get("/tags/changes").await.1;
    assert!(changes.contains("\"changes\":[]"), "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_becomes_empty_at_once_is_suspicious_and_keeps_what_is_known() {
    let daemon = Daemon::start(synthetic(1, 30, 1), "").await;
    daemon.until_fresh().await;
    let before = daemon.resources().await;
    let body = json!({"TotalCount": 0, "Instances": {"Instance": []}}).to_string();
    let empty =
        FaultRule { action: Some("DescribeInstances".to_owned()), ..FaultRule::of(Fault::Body(body)) };
    daemon.cloud.edit(|state| state.faults.push(empty));
    let text = daemon.until("/tags", |_, text| text.contains("\"reason\":\"suspicious\"")).await;
    assert!(text.contains("30 of 30 resources are missing at once"), "{text}");
    assert_eq!(before, daemon.resources().await);
    daemon.cloud.edit(|state| state.faults.clear());
    daemon.until_fresh().await;
    assert_eq!(before, daemon.resources().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_cannot_be_read_are_marked_and_stay_as_they_were() {
    const UNREADABLE: &str = "alicloud_tag_exporter_unreadable_resources{account=\"test\",region_id=\"cn-hangzhou\",product=\"hbase\"}";
    let daemon = Daemon::start(synthetic(1, 3, 1), "tag_source = \"inline\"").await;
    daemon.until_fresh().await;
    let before = daemon.resources().await;
    let id = before[0]["resource_id"].as_str().unwrap().to_owned();
    let half = r#"[{"Key":"owner","Value":"\ud800"}]"#;
    let rows = [&*id, "hb-new"].map(|id| format!(r#"{{"InstanceId":"{id}","Tags":{{"Tag":{half}}}}}"#));
    let body = format!(r#"{{"TotalCount":2,"Instances":{{"Instance":[{}]}}}}"#, rows.join(","));
    let fault =
        FaultRule { action: Some("DescribeInstances".to_owned()), ..FaultRule::of(Fault::Body(body)) };
    daemon.cloud.edit(|state| state.faults.push(fault));
    let unreadable =
        |value| move |_, text: &str| text.lines().any(|line| line == format!("{UNREADABLE} {value}"));
    let metrics = daemon.until("/metrics", unreadable(2)).await;
    assert!(!metrics.contains(&format!("alicloud_resource_tags{{account=\"test\",region_id=\"cn-hangzhou\",product=\"hbase\",resource_id=\"{id}\"")), "{metrics}");
    let resources = daemon.resources().await;
    let find = |id: &str| resources.iter().find(|row| row["resource_id"] == id).unwrap();
    assert_eq!(find(&id)["tags"], before[0]["tags"]);
    assert_eq!(find("hb-new")["tags"], json!(null));
    for id in [&*id, "hb-new"] {
        assert_eq!(find(id)["compliance"], json!({"state": "unknown", "violations": []}));
        assert!(find(id)["tags_unknown_since"].is_string());
    }
    daemon.cloud.edit(|state| state.faults.clear());
    daemon.until("/metrics", unreadable(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_request_waits_as_long_as_the_cloud_says() {
    const WAIT: Duration = Duration::from_millis(1500);
    let mut state = synthetic(1, 3, 1);
    let fault = Fault::Throttle { retry_after_ms: Some(1500) };
    state.faults.push(FaultRule {
        action: Some("DescribeInstances".to_owned()),
        times: Some(1),
        ..FaultRule::of(fault)
    });
    let started = Instant::now();
    let settings = [("api.max_attempts", "2"), ("collect.interval", "60s")];
    let daemon = Daemon::start_with(&settings, state, "").await;
    daemon.until_fresh().await;
    assert!(started.elapsed() >= WAIT, "{:?}", started.elapsed());
    assert_eq!(requests(&daemon, "DescribeInstances"), 2);
}
