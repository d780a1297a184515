//! The daemon as its users see it.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use simulator::{Fault, FaultRule, synthetic};
use tokio::task::JoinSet;

use crate::program::{self, Program};
use crate::support::Daemon;
use crate::text_format::samples;

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_fails_keeps_its_data_and_says_so_and_the_other_stays_fresh() {
    let faults = [
        (Fault::Throttle { retry_after_ms: Some(1) }, "throttled"),
        (Fault::Status(503), "unavailable"),
        (Fault::Code { status: 403, code: "Forbidden.RAM".into() }, "denied"),
        (Fault::Abort, "transport"),
        (Fault::Truncate, "transport"),
        (Fault::CutJson, "undecodable"),
        (Fault::Slow(Duration::from_secs(60)), "transport"),
        (Fault::ClockSkew, "rejected"),
        (Fault::NonceUsed, "unavailable"),
        (Fault::SignatureMismatch, "credentials"),
        (Fault::Html, "unavailable"),
        (Fault::HtmlOk, "undecodable"),
        (Fault::Empty, "undecodable"),
        (Fault::Null, "undecodable"),
        (Fault::EmptyObject, "undecodable"),
        (Fault::ListInstead, "undecodable"),
    ];
    let mut daemons = JoinSet::new();
    for (fault, reason) in faults {
        daemons.spawn(one_region_fails_by(fault, reason, &["DescribeInstances", "ListTagResources"]));
    }
    for (fault, reason) in [(Fault::RepeatToken, "inconsistent"), (Fault::WrongToken, "rejected")] {
        daemons.spawn(one_region_fails_by(fault, reason, &["ListTagResources"]));
    }
    while let Some(ended) = daemons.join_next().await {
        ended.unwrap();
    }
}

async fn one_region_fails_by(fault: Fault, reason: &str, actions: &[&str]) {
    // Only the slow cloud is to be given up early: a busy machine is slow too.
    let timeout = if matches!(fault, Fault::Slow(_)) { "500ms" } else { "10s" };
    let daemon = Daemon::start_with(&[("api.request_timeout", timeout)], synthetic(2, 30, 3), "").await;
    daemon.until_fresh().await;
    let expected = daemon.resources().await;
    let regions = daemon.cloud.edit(|state| state.regions.keys().cloned().collect::<Vec<_>>());
    let [failing, other] = regions.try_into().unwrap();
    for action in actions {
        daemon.cloud.edit(|state| {
            let (action, region) = (Some((*action).to_owned()), Some(failing.clone()));
            state.faults = vec![FaultRule { action, region, ..FaultRule::of(fault.clone()) }];
        });
        let target = format!("/tags?region_id={failing}&limit=1");
        let error = format!(r#""error":{{"reason":"{reason}","message":"{action} in {failing} "#);
        daemon.until(&target, |_, text| text.contains(r#""status":"stale""#) && text.contains(&error)).await;
        assert_eq!(daemon.resources().await, expected, "{fault:?} on {action}");
        let one_fails = |_, text: &str| fails(text, &failing) == 1.0 && fails(text, &other) == 0.0;
        daemon.until("/metrics", one_fails).await;
        daemon.cloud.edit(|state| state.faults.clear());
        daemon.until(&target, |_, text| text.contains(r#""status":"fresh""#)).await;
    }
    assert_eq!(daemon.json("/tags/changes").await["changes"], json!([]));
    let samples = samples(&daemon.metrics().await);
    for name in ["tag_changes_total", "resource_changes_total"] {
        let counted: f64 = samples[&format!("alicloud_tag_exporter_{name}")].values().sum();
        assert_eq!(counted, 0.0, "{fault:?}: {name}");
    }
}

/// 1 if the metrics say that the region's last collection failed, 0 if not; two of them must agree.
fn fails(metrics: &str, region: &str) -> f64 {
    let samples = samples(metrics);
    let value = |name: &str| {
        let mut series = samples[&format!("alicloud_tag_exporter_{name}")].iter();
        *series.find(|(labels, _)| labels["region_id"] == region).unwrap().1
    };
    assert_eq!(value("snapshot_stale"), 1.0 - value("collection_success"));
    value("snapshot_stale")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_its_own_pace_makes_too_long_names_the_three_settings() {
    let settings = [("collect.deadline", "1s"), ("api.requests_per_second", "2.0")];
    let daemon = Daemon::start_with(&settings, synthetic(1, 1000, 3), "").await;
    daemon.until("/readyz", |status, _| status == 200).await;
    let target = &daemon.json("/tags").await["targets"][0];
    assert_eq!(target["status"], "failed");
    assert_eq!(target["error"]["reason"], "deadline");
    let message = target["error"]["message"].as_str().unwrap();
    for setting in ["api.requests_per_second", "collect.deadline", "collect.interval"] {
        assert!(message.contains(setting), "{message}");
    }
    let failures = &samples(&daemon.metrics().await)["alicloud_tag_exporter_collection_failures_total"];
    assert!(failures.iter().any(|(labels, number)| labels["reason"] == "deadline" && *number >= 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_a_slow_cloud_makes_too_long_names_no_setting() {
    let mut state = synthetic(1, 3, 2);
    state.faults.push(FaultRule::of(Fault::Slow(Duration::from_secs(60))));
    let daemon = Daemon::start_with(&[("collect.deadline", "1s")], state, "").await;
    daemon.until("/readyz", |status, _| status == 200).await;
    let error = &daemon.json("/tags").await["targets"][0]["error"];
    assert_eq!(error["reason"], "deadline");
    assert!(!error["message"].as_str().unwrap().contains("requests_per_second"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tag_is_reported_once() {
    let daemon = Daemon::start(synthetic(1, 5, 2), "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| {
        let region = state.regions.values_mut().next().unwrap();
        let cluster = region.of_mut("hbase").iter_mut().next().unwrap();
        cluster.tags.insert("brand new".into(), "\u{1b}[31m<script>".into());
    });
    daemon.until("/tags/changes", |_, text| text.contains("brand new")).await;
    let at = daemon.json("/tags").await["targets"][0]["last_success"].clone();
    let is_later =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["targets"][0]["last_success"] != at;
    daemon.until("/tags", |_, text| is_later(text)).await;
    let changes = daemon.json("/tags/changes").await;
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1, "another collection reports nothing new");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    let (_cloud, address) = program::cloud(synthetic(1, 2, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{address}\", requests_per_second = 5000.0 }}
         [[accounts]]
         name = \"test\"
         regions = [\"cn-hangzhou\"]"
    );
    let program = Program::start(folder.path(), &config).await;
    // The pipe is closed with its reader, and each collection writes a line to it.
    program.log.abort();
    let number = |text: &str| -> Option<u32> {
        let line = text.lines().find(|line| line.starts_with("alicloud_tag_exporter_collections_total{"))?;
        line.rsplit_once(' ')?.1.parse().ok()
    };
    let seen = number(&program.get("/metrics").await).unwrap_or_default();
    program.until("/metrics", |text| number(text).is_some_and(|now| now >= seen + 3)).await;
}
