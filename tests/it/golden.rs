//! `/metrics` as it stands in `golden/*.prom`, which people and promtool read too. `UPDATE_GOLDEN=1` writes the files
//! anew.

use std::path::PathBuf;
use std::time::Duration;

use simulator::{AccessKey, Fault, FaultRule, Region, Resource, State};

use crate::support::Daemon;

const FAILING: &str = "cn-shanghai";
const POLICY: &str = r#"
    [[policy.required_tags]]
    key = "owner"
    [[policy.required_tags]]
    key = "负责人"
    label = "owner_zh"
    [metrics]
    tag_labels = ["cost-center"]"#;
/// Long enough to look at what a collection left behind before the next one ends.
const SETTINGS: &[(&str, &str)] = &[("collect.interval", "5s")];

#[tokio::test(flavor = "multi_thread")]
async fn the_first_scrape_has_targets_and_counters_at_zero_and_no_subject() {
    let mut state = state();
    state.faults = vec![hangs(0)];
    let daemon = Daemon::start_with(SETTINGS, state, POLICY).await;
    assert_eq!(daemon.get("/readyz").await.0, 503);
    assert_golden("first_scrape", &daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_after_a_collection_shows_every_resource() {
    let daemon = Daemon::start_with(SETTINGS, state(), POLICY).await;
    daemon.until_fresh().await;
    assert_golden("normal", &daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_fails_is_shown_as_it_was_and_said_to_be_stale() {
    let mut state = state();
    let denied = Fault::Code { status: 403, code: "Forbidden.RAM".into() };
    let denied = FaultRule { skip: REQUESTS, times: Some(1), ..FaultRule::of(denied) };
    state.faults.insert(0, FaultRule { region: Some(FAILING.into()), ..denied });
    let daemon = Daemon::start_with(SETTINGS, state, POLICY).await;
    daemon.until("/tags", |_, text| text.contains(r#""status":"stale""#)).await;
    assert_golden("stale", &daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn series_past_the_greatest_number_are_left_out_and_counted() {
    let cut = format!("{POLICY}\n    max_series = 6");
    let daemon = Daemon::start_with(SETTINGS, state(), &cut).await;
    daemon.until_fresh().await;
    assert_golden("cut", &daemon).await;
}

/// Each feature of the policy alone: the name of the golden file, and the policy.
const POLICIES: &[(&str, &str)] = &[
    ("policy_aliases", r#"required_tags = [{ key = "owner", aliases = ["Owner", "负责人"] }]"#),
    (
        "policy_values",
        r#"required_tags = [{ key = "env", values = ["prod", "dev"] }, { key = "owner", pattern = "[a-z]+" }]"#,
    ),
    (
        "policy_applies_to",
        r#"required_tags = [
            { key = "owner", applies_to = { regions = "cn-shanghai", status = "*" } },
            { key = "env", applies_to = { name = "web-*" } },
        ]"#,
    ),
    (
        "policy_exemptions",
        r#"required_tags = [{ key = "owner" }, { key = "env" }]
        exemptions = [
            { resource_id = "ld-*", reason = "migration", until = "9999-01-01" },
            { tag = "temp=1", keys = ["env"] },
            { account = "*", until = "2020-01-01" },
        ]"#,
    ),
    (
        "policy_forbidden",
        r#"forbidden_tags = [{ key = "temp*" }, { key = "env", value = "stag*" }]
        max_tags = { limit = 2 }"#,
    ),
    (
        "policy_rollup",
        r#"required_tags = [{ key = "owner", aliases = ["Owner"], label = "team" }]
        rollup_tags = ["owner", "env"]"#,
    ),
    (
        "policy_grace",
        r#"required_tags = [{ key = "owner" }]
        grace_period = "1ms""#,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_feature_of_the_policy_is_shown_in_its_metrics() {
    let families = ["info", "required_tag_violation", "required_tag_violation_info"]
        .map(|name| format!("collect[]=alicloud_resource_{name}&"));
    let path = format!("/metrics?{}collect[]=alicloud_resources", families.concat());
    for (name, policy) in POLICIES {
        let daemon = Daemon::start_with(SETTINGS, judged(), &format!("[policy]\n{policy}")).await;
        daemon.until_fresh().await;
        assert_golden_at(name, &path, &daemon).await;
    }
}

/// Clusters that the policies tell apart.
fn judged() -> State {
    let tagged = |id: &str, name: &str, tags: &[(&str, &str)]| {
        let mut cluster = Resource::new(id).with_tags(tags.iter().copied());
        name.clone_into(&mut cluster.name);
        cluster
    };
    let hangzhou = [
        tagged("hb-alias", "web-1", &[("Owner", "alice"), ("env", "prod")]),
        tagged("hb-chinese", "web-2", &[("负责人", "张三"), ("env", "staging")]),
        tagged("hb-empty", "db", &[("owner", ""), ("Owner", "alice"), ("env", "")]),
        tagged("hb-temp", "db", &[("temp", "1"), ("temp2", "2"), ("owner", "bob")]),
        cluster("hb-leaving", "DELETING", "2023-01-02T03:04:05Z"),
        cluster("hb-new", "CREATING", "2999-01-01T00:00:00Z"),
    ];
    let shanghai = [cluster("ld-untagged", "ACTIVATION", ""), cluster("ld-leaving", "DELETING", "")];
    collected_once([("cn-hangzhou", hangzhou.to_vec()), (FAILING, shanghai.to_vec())])
}

/// Of one collection of one region: a page of clusters and a page of tags.
const REQUESTS: u32 = 2;

/// A small cloud that can be collected once; each later collection hangs, so that what is shown stands still.
fn state() -> State {
    let hangzhou = [
        Resource::new("hb-compliant").with_tags([
            ("owner", "search"),
            ("负责人", "张三"),
            ("cost-center", "7"),
        ]),
        Resource::new("hb-hard").with_tags([("cost_center", "a \"b\"\\\nc"), ("owner", "")]),
        Resource::new("hb-system").with_tags([("acs:rm:rgId", "rg-1"), ("owner", "search")]),
        cluster("hb-leaving", "DELETING", "2023-01-02T03:04:05Z"),
        cluster("hb-new", "CREATING", "2999-01-01T00:00:00Z"),
        cluster("ld-untagged", "ACTIVATION", ""),
    ];
    let shanghai = [Resource::new("bds-1").with_tags([("owner", "sync"), ("负责人", "李四")])];
    collected_once([("cn-hangzhou", hangzhou.to_vec()), (FAILING, shanghai.to_vec())])
}

fn collected_once(regions: [(&str, Vec<Resource>); 2]) -> State {
    let mut state = State::new(regions.map(|(id, clusters)| (id, Region::new(id, clusters))));
    state.access_keys.insert("testid".into(), AccessKey::long_term("testsecret"));
    let ids: Vec<_> = state.regions.keys().cloned().collect();
    state.faults = ids.into_iter().map(|id| FaultRule { region: Some(id), ..hangs(REQUESTS) }).collect();
    state
}

fn cluster(id: &str, status: &str, created_at_utc: &str) -> Resource {
    let mut cluster = Resource::new(id);
    (cluster.status, cluster.created) = (status.to_owned(), created_at_utc.to_owned());
    cluster
}

fn hangs(skip: u32) -> FaultRule {
    FaultRule { skip, ..FaultRule::of(Fault::Slow(Duration::from_secs(3600))) }
}

async fn assert_golden(name: &str, daemon: &Daemon) {
    assert_golden_at(name, "/metrics", daemon).await;
}

async fn assert_golden_at(name: &str, path: &str, daemon: &Daemon) {
    let shown = steady(&daemon.get(path).await.1);
    let file = folder().join(name).with_extension("prom");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap();
    assert_eq!(shown, golden, "{}; UPDATE_GOLDEN=1 writes it anew", file.display());
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden")
}

/// What is the same in each run: without the families that tell of the process and its requests, and with 1 for
/// each moment and duration of a collection.
fn steady(metrics: &str) -> String {
    let mut kept = String::new();
    let (mut of_the_process, mut of_the_clock) = (false, false);
    for line in metrics.split_inclusive('\n') {
        if let Some(family) = line.strip_prefix("# HELP ") {
            let begins_with_one =
                |prefixes: &[&str]| prefixes.iter().any(|prefix| family.starts_with(prefix));
            of_the_process = begins_with_one(OF_THE_PROCESS);
            of_the_clock = begins_with_one(OF_THE_CLOCK);
        }
        match line.rsplit_once(' ') {
            _ if of_the_process => {}
            Some((series, _)) if of_the_clock && !line.starts_with('#') => kept += &format!("{series} 1\n"),
            _ => kept += line,
        }
    }
    kept
}

const OF_THE_PROCESS: &[&str] = &[
    "alicloud_account_info",
    "alicloud_tag_exporter_api_",
    "alicloud_tag_exporter_build_info",
    "alicloud_tag_exporter_config_",
    "alicloud_tag_exporter_credential_",
    "alicloud_tag_exporter_history_",
    "alicloud_tag_exporter_http_",
    "alicloud_tag_exporter_shard",
    "process_",
];

const OF_THE_CLOCK: &[&str] = &[
    "alicloud_tag_exporter_collection_duration_seconds",
    "alicloud_tag_exporter_collection_last_success_timestamp_seconds",
];
