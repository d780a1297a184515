//! What is shown is what is there: every series and every row against the state of the cloud.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::{Resource, State, synthetic};

use crate::support::Daemon;
use crate::text_format::{Labels, Samples, samples};

/// One rule, and two labels of keys that differ in one sign.
const MORE: &str = r#"
    [metrics]
    tag_labels = ["cost-center", { key = "cost_center", label = "cost_center_2" }, { key = "负责人", label = "fzr" }]
    [[policy.required_tags]]
    key = "owner""#;

#[tokio::test(flavor = "multi_thread")]
async fn three_regions_of_a_thousand_clusters_are_shown_exactly() {
    let mut state = synthetic(3, 1000, 8);
    state.limits.tag_rows = Some(1000);
    let daemon = Daemon::start_with(&[("collect.interval", "60s")], state, MORE).await;
    daemon.until_fresh().await;
    let (series, rows) = daemon.cloud.edit(|state| (expected_series(state), expected_rows(state)));
    assert_eq!(rows.len(), 3000);
    let shown = samples(&daemon.metrics().await);
    for (name, series) in series {
        assert_eq!(shown[&name].len(), series.len(), "{name}");
        assert!(shown[&name] == series, "{name} differs from the cloud");
    }
    assert_the_same_rows(&daemon.resources().await, &rows);
}

/// One by one, so that a failure prints one row and not three thousand.
fn assert_the_same_rows(shown: &[Value], expected: &[Value]) {
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(expected) {
        assert_eq!(shown, expected);
    }
}

fn clusters(state: &State) -> impl Iterator<Item = (&str, &Resource)> {
    let regions = state.regions.iter();
    regions.flat_map(|(id, region)| region.of("hbase").iter().map(move |cluster| (id.as_str(), cluster)))
}

fn violates(cluster: &Resource) -> bool {
    cluster.tags.get("owner").is_none_or(String::is_empty)
}

fn expected_series(state: &State) -> Samples {
    let mut all = Samples::new();
    let mut put = |name: &str, region: &str, more: &[(&str, &str)], value: f64| {
        let target = [("account", "test"), ("region_id", region), ("product", "hbase")];
        let labels: Labels = target
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        *all.entry(name.to_owned()).or_default().entry(labels).or_default() += value;
    };
    for (region, cluster) in clusters(state) {
        let id = ("resource_id", cluster.id());
        let tag = |key: &str| cluster.tags.get(key).map_or("", String::as_str);
        let info = [
            id,
            ("resource_type", "ALIYUN::MULTIMOD::CLUSTER"),
            ("resource_name", cluster.name.as_str()),
            ("resource_group_id", cluster.resource_group_id.as_str()),
            ("tag_cost_center", tag("cost-center")),
            ("tag_cost_center_2", tag("cost_center")),
            ("tag_fzr", tag("负责人")),
            ("tag_owner", tag("owner")),
        ];
        put("alicloud_resource_info", region, &info, 1.0);
        put("alicloud_resource_tags", region, &[id], cluster.tags.len() as f64);
        for (key, value) in &cluster.tags {
            put("alicloud_resource_tag", region, &[id, ("key", key), ("value", value)], 1.0);
            put("alicloud_tag_key_resources", region, &[("key", key)], 1.0);
        }
        let created: Timestamp = cluster.created.parse().unwrap();
        put("alicloud_resource_created_timestamp_seconds", region, &[id], created.as_second() as f64);
        let violating = f64::from(u8::from(violates(cluster)));
        put("alicloud_resource_required_tag_violation", region, &[id, ("key", "owner")], violating);
        put("alicloud_resources", region, &[("state", "violating")], violating);
        put("alicloud_resources", region, &[("state", "compliant")], 1.0 - violating);
        for state in ["pending", "exempt"] {
            put("alicloud_resources", region, &[("state", state)], 0.0);
        }
    }
    all
}

/// In the order of the answer: by region, then by id.
fn expected_rows(state: &State) -> Vec<Value> {
    let sorted: BTreeMap<_, _> =
        clusters(state).map(|(region, cluster)| ((region, cluster.id()), cluster)).collect();
    sorted.into_iter().map(|((region, _), cluster)| expected_row(region, cluster)).collect()
}

fn expected_row(region: &str, cluster: &Resource) -> Value {
    let reason = if cluster.tags.contains_key("owner") { "empty" } else { "missing" };
    let compliance = match violates(cluster) {
        true => json!({"state": "violating", "violations": [{"key": "owner", "reason": reason}]}),
        false => json!({"state": "compliant", "violations": []}),
    };
    json!({
        "account": "test", "region_id": region, "product": "hbase",
        "resource_type": "ALIYUN::MULTIMOD::CLUSTER", "resource_id": cluster.id(),
        "resource_name": cluster.name, "resource_group_id": cluster.resource_group_id,
        "status": cluster.status, "created_at": cluster.created,
        "tags": cluster.tags, "system_tags": {}, "compliance": compliance,
    })
}
