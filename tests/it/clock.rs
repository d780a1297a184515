//! What changes with the time alone.

use jiff::Timestamp;
use serde_json::json;
use simulator::{AccessKey, Fault, FaultRule, Region, Resource, State, synthetic};

use crate::support::Daemon;
use crate::text_format::{Samples, samples};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_hidden_and_its_return_is_no_change() {
    let settings = [("collect.interval", "1s"), ("collect.max_staleness", "5s")];
    let daemon = Daemon::start_with(&settings, synthetic(2, 5, 2), "").await;
    daemon.until_fresh().await;
    let resources = daemon.resources().await;
    let hidden = daemon.cloud.edit(|state| {
        let region = state.regions.keys().next().unwrap().clone();
        let rule = FaultRule::of(Fault::Status(503));
        state.faults = vec![FaultRule { region: Some(region.clone()), ..rule }];
        region
    });
    let target = format!("/tags?region_id={hidden}");
    daemon.until(&target, |_, text| text.contains(r#""status":"stale""#)).await;
    daemon.until(&target, |_, text| text.contains(r#""status":"failed""#)).await;
    let page = daemon.json(&target).await;
    assert_eq!((&page["resources"], &page["targets"][0]["resources"]), (&json!([]), &json!(null)));
    assert_ne!(page["targets"][0]["last_success"], json!(null));
    let shown = samples(&daemon.metrics().await);
    let of_the_hidden =
        |name: &str| shown[name].keys().filter(|labels| labels["region_id"] == hidden).count();
    for name in
        ["alicloud_resource_info", "alicloud_resource_tag", "alicloud_resource_tags", "alicloud_resources"]
    {
        assert_eq!(of_the_hidden(name), 0, "{name}");
        assert!(!shown[name].is_empty(), "{name}");
    }
    assert_eq!(of_the_hidden("alicloud_tag_exporter_snapshot_stale"), 1);

    daemon.cloud.edit(|state| state.faults.clear());
    daemon.until_fresh().await;
    assert_eq!(daemon.resources().await, resources);
    assert_eq!(daemon.json("/tags/changes").await["changes"], json!([]));
    let shown = samples(&daemon.metrics().await);
    assert!(shown["alicloud_tag_exporter_resource_changes_total"].values().all(|number| *number == 0.0));
}

/// The value of the only series of a metric that has this label, if there is one.
fn value(samples: &Samples, name: &str, label: (&str, &str)) -> Option<f64> {
    let mut series = samples.get(name)?.iter().filter(|(labels, _)| labels[label.0] == label.1);
    let value = series.next().map(|(_, value)| *value);
    assert!(series.next().is_none());
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_cluster_without_its_required_tag_is_pending_and_then_violating_by_itself() {
    let mut cluster = Resource::new("hb-new");
    cluster.created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut state = State::new([("cn-hangzhou", Region::new("Hangzhou", [cluster]))]);
    state.access_keys.insert("testid".into(), AccessKey::long_term("testsecret"));
    let policy = "[policy]\ngrace_period = \"8s\"\n[[policy.required_tags]]\nkey = \"owner\"";
    // The second collection comes when all has been seen.
    let daemon = Daemon::start_with(&[("collect.interval", "30s")], state, policy).await;
    let has_state = |state: &'static str| {
        move |_: u16, text: &str| {
            text.contains(&format!("alicloud_resources{{account=\"test\",region_id=\"cn-hangzhou\",product=\"hbase\",state=\"{state}\"}} 1\n"))
        }
    };
    let pending = samples(&daemon.until("/metrics", has_state("pending")).await);
    let key = ("key", "owner");
    assert_eq!(value(&pending, "alicloud_resource_required_tag_violation", key), Some(0.0));
    assert_eq!(value(&pending, "alicloud_resource_required_tag_violation_info", key), None);
    let row = &daemon.json("/tags?state=pending").await["resources"][0]["compliance"];
    assert_eq!(row["violations"], json!([{"key": "owner", "reason": "missing"}]));
    assert!(row["pending_until"].is_string());

    let violating = samples(&daemon.until("/metrics", has_state("violating")).await);
    assert_eq!(value(&violating, "alicloud_resource_required_tag_violation", key), Some(1.0));
    assert_eq!(
        value(&violating, "alicloud_resource_required_tag_violation_info", ("reason", "missing")),
        Some(1.0)
    );
    assert_eq!(value(&violating, "alicloud_resources", ("state", "pending")), Some(0.0));
    let collections = value(&violating, "alicloud_tag_exporter_collections_total", ("account", "test"));
    assert_eq!(collections, Some(1.0), "without another collection");
    assert_eq!(daemon.json("/tags/changes").await["changes"], json!([]));
}
