//! The daemon as its users see it.

use std::time::Duration;

use alicloud_tag_exporter::simulator::{Fault, FaultRule, synthetic};
use tokio::task::JoinSet;

use crate::support::Daemon;

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_collection_there_are_targets_and_counters_but_no_subject() {
    let mut state = synthetic(2, 3, 2);
    state.faults.push(FaultRule::of(Fault::Slow(Duration::from_secs(60))));
    let daemon = Daemon::start(state, "").await;
    let metrics = daemon.metrics().await;
    assert_eq!(metrics.matches("\nalicloud_tag_exporter_target{").count(), 2);
    assert_eq!(metrics.matches("\nalicloud_tag_exporter_collections_total{").count(), 2);
    assert!(!metrics.contains("\nalicloud_resource"), "{metrics}");
    assert!(!metrics.contains("alicloud_tag_exporter_collection_success{"), "{metrics}");
    assert_eq!(daemon.get("/readyz").await.0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_fails_keeps_its_data_and_says_so_and_the_other_stays_fresh() {
    let faults = [
        Fault::Throttle { retry_after_ms: Some(1) },
        Fault::Status(503),
        Fault::Code { status: 403, code: "Forbidden.RAM".into() },
        Fault::Abort,
        Fault::Truncate,
        Fault::CutJson,
        Fault::ClockSkew,
        Fault::NonceUsed,
        Fault::SignatureMismatch,
        Fault::Html,
        Fault::HtmlOk,
        Fault::Empty,
        Fault::Null,
        Fault::EmptyObject,
        Fault::ListInstead,
    ];
    let mut daemons = JoinSet::new();
    for fault in faults {
        daemons.spawn(one_region_fails_by(fault, &["DescribeInstances", "ListTagResources"]));
    }
    for fault in [Fault::RepeatToken, Fault::WrongToken] {
        daemons.spawn(one_region_fails_by(fault, &["ListTagResources"]));
    }
    while let Some(ended) = daemons.join_next().await {
        ended.unwrap();
    }
}

async fn one_region_fails_by(fault: Fault, actions: &[&str]) {
    let daemon = Daemon::start(synthetic(2, 30, 3), "").await;
    daemon.until_fresh().await;
    let expected = daemon.resources().await;
    let failing = daemon.cloud.edit(|state| state.regions.keys().next().unwrap().clone());
    for action in actions {
        daemon.cloud.edit(|state| {
            let (action, region) = (Some((*action).to_owned()), Some(failing.clone()));
            state.faults = vec![FaultRule { action, region, ..FaultRule::of(fault.clone()) }];
        });
        let target = format!("/tags?region_id={failing}&limit=1");
        daemon.until(&target, |_, text| text.contains(r#""status":"stale""#)).await;
        assert_eq!(daemon.resources().await, expected, "{fault:?} on {action}");
        let other_is_fresh = |_, text: &str| text.matches(r#""status":"fresh""#).count() == 1;
        daemon.until("/tags?limit=1", other_is_fresh).await;
        daemon.cloud.edit(|state| state.faults.clear());
        daemon.until(&target, |_, text| text.contains(r#""status":"fresh""#)).await;
    }
    assert_eq!(daemon.json("/tags/changes").await["changes"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tag_is_told_once() {
    let daemon = Daemon::start(synthetic(1, 5, 2), "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| {
        let region = state.regions.values_mut().next().unwrap();
        let cluster = region.clusters.iter_mut().next().unwrap();
        cluster.tags.insert("brand new".into(), "\u{1b}[31m<script>".into());
    });
    daemon.until("/tags/changes", |_, text| text.contains("brand new")).await;
    let changes = daemon.json("/tags/changes").await;
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert_eq!(changes["changes"][0]["kind"], "tag_added");
    assert_eq!(changes["changes"][0]["new"], "\u{1b}[31m<script>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_collection_is_quick_and_a_success() {
    let mut state = synthetic(1, 3, 2);
    state.faults.push(FaultRule::of(Fault::Slow(Duration::from_secs(60))));
    let daemon = Daemon::start(state, "").await;
    daemon.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), daemon.running).await;
    ended.expect("it did not end in 5 s").unwrap().unwrap();
}
