//! Regions that the exporter finds itself.

use alicloud_tag_exporter::clock::{now, seconds};
use serde_json::{Value, json};
use simulator::{Fault, FaultRule, Region, State, synthetic};

use crate::audit::Bench;
use crate::program::{self, Program};

fn config(cloud: std::net::SocketAddr, more: &str) -> String {
    format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{cloud}\", requests_per_second = 5000.0, max_attempts = 1 }}
         {more}
         [[accounts]]
         name = \"test\"
         regions = [\"all\"]"
    )
}

fn no_regions(kind: Fault) -> FaultRule {
    FaultRule { action: Some("DescribeRegions".to_owned()), ..FaultRule::of(kind) }
}

fn regions_of(tags: &Value) -> Vec<&str> {
    tags["targets"].as_array().unwrap().iter().map(|row| row["region_id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_ready_until_the_regions_are_found_and_then_lists_them_all() {
    let began = seconds(now());
    let mut state = synthetic(3, 4, 2);
    state.faults.push(no_regions(Fault::Status(503)));
    let (cloud, address) = program::cloud(state).await;
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &config(address, "")).await;
    let success = "alicloud_tag_exporter_region_discovery_success{account=\"test\",product=\"hbase\"} ";
    program.until("/metrics", |text| text.contains(&format!("{success}0"))).await;
    assert!(program.get("/readyz").await.contains("not ready"));
    assert_eq!(program.json("/tags").await["targets"], json!([]));
    cloud.edit(|state| state.faults.clear());
    program.until("/readyz", |text| text == "ready\n").await;
    let metrics = program.get("/metrics").await;
    assert!(metrics.contains(&format!("{success}1")));
    let last = "region_discovery_last_success_timestamp_seconds{account=\"test\",product=\"hbase\"} ";
    let at: f64 = metrics.split_once(last).unwrap().1.lines().next().unwrap().parse().unwrap();
    let now = seconds(now());
    assert!((began..=now).contains(&at), "{began} {at} {now}");
    assert_eq!(program.all("/tags", "resources").await.len(), 12);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_that_come_and_go_over_a_restart_are_no_change_and_the_others_go_on() {
    let state = synthetic(3, 4, 2);
    let (cloud, address) = program::cloud(state).await;
    let folder = tempfile::tempdir().unwrap();
    let more = format!("state = {{ path = {:?} }}", folder.path().join("state.db"));
    let program = Program::start(folder.path(), &config(address, &more)).await;
    program.until("/readyz", |text| text == "ready\n").await;
    program.stop().await;
    let gone = cloud.edit(|state| {
        let gone = state.regions.pop_first().unwrap().0;
        state.regions.insert("sim-new".to_owned(), Region::new("New", []));
        // A tag of a cluster in a region that stays.
        let stays = state.regions.values_mut().next().unwrap();
        stays.of_mut("hbase").iter_mut().next().unwrap().tags.insert("brand".to_owned(), "new".to_owned());
        gone
    });
    let program = Program::start(folder.path(), &config(address, &more)).await;
    program.until("/readyz", |text| text == "ready\n").await;
    let tags = program.json("/tags?limit=1").await;
    assert!(regions_of(&tags).contains(&"sim-new"));
    let row = |row: &&Value| row["region_id"] == gone.as_str();
    let row = tags["targets"].as_array().unwrap().iter().find(row).unwrap();
    assert_eq!(row["status"], "stale", "one answer without it takes no region away");
    let changes = program.all("/tags/changes", "changes").await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["key"], "brand");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_of_all_regions_needs_to_know_them() {
    let bench = Bench::new(synthetic(2, 3, 2), "").await;
    let text = std::fs::read_to_string(bench.path("config.toml")).unwrap();
    let start = text.find("regions = [").unwrap();
    let end = start + text[start..].find(']').unwrap() + 1;
    let all = format!("{}regions = [\"all\"]{}", &text[..start], &text[end..]);
    std::fs::write(bench.path("config.toml"), all).unwrap();
    let report = bench.json(&[]).await;
    assert_eq!(regions_of(&report).len(), 2);
    let denied = Fault::Code { status: 403, code: "Forbidden.RAM".to_owned() };
    bench.cloud.edit(|state: &mut State| state.faults.push(no_regions(denied)));
    let ran = bench.audit(&["--format", "json"]).await;
    assert_eq!(ran.code, 3);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let target = &report["targets"][0];
    assert_eq!((&target["region_id"], &target["error"]["reason"]), (&json!("all"), &json!("denied")));
    let message = target["error"]["message"].as_str().unwrap();
    assert!(message.contains("missing RAM permission hbase:DescribeRegions"), "{message}");
}
