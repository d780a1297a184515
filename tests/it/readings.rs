//! Listings that are read again, and where tags come from: as users see it.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::{Fault, FaultRule, State, synthetic};

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
async fn a_count_that_stays_another_one_is_a_metric_and_stops_nothing() {
    let mut state = synthetic(1, 3, 1);
    state.faults.push(one_cluster("hb-1", 2));
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
async fn listings_that_never_agree_are_inconsistent_and_the_target_recovers() {
    let mut state = synthetic(1, 3, 1);
    let mut number = 0;
    state.after_request = Some(Box::new(move |state: &mut State, answered| {
        if answered.action == "DescribeInstances" && !state.faults.is_empty() {
            number += 1;
            state.faults = vec![one_cluster(&format!("hb-{}", number / 2), 2)];
        }
    }));
    state.faults.push(one_cluster("hb-0", 2));
    let daemon = Daemon::start(state, "tag_source = \"inline\"").await;
    let text = daemon.until("/tags", |_, text| text.contains("\"reason\":\"inconsistent\"")).await;
    assert!(
        text.contains("DescribeInstances in cn-hangzhou is inconsistent: consecutive listings disagreed"),
        "{text}"
    );
    daemon.cloud.edit(|state| state.faults.clear());
    daemon.until_fresh().await;
    assert_eq!(daemon.resources().await.len(), 3);
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
