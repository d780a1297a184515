//! A program with a state file that is killed, started again, and given a disk that is full.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use simulator::{Cloud, Resource, State, synthetic};
use tokio::process::Command;
use tokio::time::{Duration, timeout};

use crate::program::{self, Program};

const SEED: u64 = 11;
const REGIONS: usize = 20;
const COLLECTIONS: usize = 200;
/// How long a state may take to come about.
const LIMIT: Duration = Duration::from_secs(60);

/// By region and resource, the tags.
type Tags = BTreeMap<(String, String), BTreeMap<String, String>>;

fn config(cloud: SocketAddr, state: &State, folder: &Path) -> String {
    let regions: Vec<_> = state.regions.keys().collect();
    let path = folder.join("state.db");
    format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{cloud}\", requests_per_second = 5000.0 }}
         state = {{ path = {path:?} }}
         [[accounts]]
         name = \"test\"
         regions = {regions:?}"
    )
}

/// One thing happens in the cloud. A new cluster keeps what it appeared with: the change log does not tell that.
fn drift(state: &mut State, random: &mut fastrand::Rng) {
    let region = random.choice(state.regions.values_mut()).unwrap();
    let kind = random.u8(..4);
    if kind == 0 {
        region.of_mut("hbase").insert(Resource::new(&format!("hb-new{}", random.u32(..))));
        return;
    }
    let Some(cluster) = random.choice(region.of_mut("hbase").iter_mut()) else { return };
    let id = cluster.id().to_owned();
    match kind {
        1 | 2 if id.starts_with("hb-new") => {}
        1 => drop(cluster.tags.insert("env".to_owned(), random.u32(..).to_string())),
        2 => drop(cluster.tags.pop_first()),
        _ => drop(region.of_mut("hbase").remove(&id)),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What `/tags` shows.
async fn shown(program: &Program) -> Tags {
    let row = |row: Value| {
        let tags = row["tags"].as_object().unwrap();
        let tags = tags.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        ((text(&row["region_id"]), text(&row["resource_id"])), tags)
    };
    program.all("/tags", "resources").await.into_iter().map(row).collect()
}

fn existing(cloud: &Cloud) -> Tags {
    cloud.edit(|state| {
        let clusters = state.regions.iter().flat_map(|(region, held)| {
            let one = |cluster: &Resource| ((region.clone(), cluster.id().to_owned()), cluster.tags.clone());
            held.of("hbase").iter().map(one).collect::<Vec<_>>()
        });
        clusters.collect()
    })
}

/// `tags` after `change`, which must fit them: a change that was lost or told twice does not.
fn apply(tags: &mut Tags, change: &Value) {
    let at = (text(&change["region_id"]), text(&change["resource_id"]));
    let key = change["key"].as_str().unwrap_or_default();
    let of = |name: &str| change[name].as_str().map(ToOwned::to_owned);
    match change["kind"].as_str().unwrap() {
        "resource_appeared" => assert!(tags.insert(at, BTreeMap::new()).is_none(), "{change}"),
        "resource_disappeared" => assert!(tags.remove(&at).is_some(), "{change}"),
        _ => {
            let tags = tags.get_mut(&at).unwrap_or_else(|| panic!("{change}"));
            let before = match of("new") {
                Some(new) => tags.insert(key.to_owned(), new),
                None => tags.remove(key),
            };
            assert_eq!(before, of("old"), "{change}");
        }
    }
}

/// The sum of the samples whose names end in `name`.
fn sum(metrics: &str, name: &str) -> usize {
    let lines = metrics.lines().filter(|line| line.contains(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of a minute; `make test` runs it"]
async fn no_change_is_lost_or_reported_twice_when_the_program_is_killed_again_and_again() {
    let mut random = fastrand::Rng::with_seed(SEED);
    let state = synthetic(REGIONS, 6, 2);
    let folder = tempfile::tempdir().unwrap();
    let (cloud, address) = program::cloud(state).await;
    let config = cloud.edit(|state| config(address, state, folder.path()));
    let answered = || cloud.edit(|state| state.log.iter().count());

    let mut program = Program::start(folder.path(), &config).await;
    program.until("/readyz", |text| text == "ready\n").await;
    let mut tags = shown(&program).await;
    assert!(tags == existing(&cloud));

    let mut told = BTreeSet::new();
    let (mut kills, mut collections) = (0, 0);
    while collections < COLLECTIONS {
        for _ in 0..random.u8(1..16) {
            cloud.edit(|state| drift(state, &mut random));
            let before = answered();
            let reading = async {
                while answered() == before {
                    told.extend(program.all("/tags/changes", "changes").await.iter().map(Value::to_string));
                }
            };
            timeout(LIMIT, reading).await.expect("nobody asks the cloud any more");
        }
        collections += sum(&program.get("/metrics").await, "_collections_total{");
        program.process.kill().await.unwrap();
        kills += 1;
        program = Program::start(folder.path(), &config).await;
        let kept = program.all("/tags/changes", "changes").await;
        let kept: BTreeSet<_> = kept.iter().map(Value::to_string).collect();
        assert!(told.is_subset(&kept), "told but lost after kill {kills}: {:?}", told.difference(&kept));
    }
    println!("{kills} kills, {collections} collections, {} changes told before a kill", told.len());

    let wanted = existing(&cloud);
    let arriving = async {
        while shown(&program).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, arriving).await.expect("the last state of the cloud is not shown");
    let changes = program.all("/tags/changes", "changes").await;
    assert!(changes.len() >= told.len());
    for change in changes.iter().rev() {
        apply(&mut tags, change);
    }
    assert!(tags == wanted, "the changes do not lead from the first to the last state");
    let metrics = program.get("/metrics").await;
    let counted = sum(&metrics, "_tag_changes_total{") + sum(&metrics, "_resource_changes_total{");
    assert_eq!(counted, changes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_data_is_there_at_once_and_changes_in_between_are_reported() {
    let state = synthetic(1, 6, 2);
    let folder = tempfile::tempdir().unwrap();
    let (cloud, address) = program::cloud(state).await;
    let config = cloud.edit(|state| config(address, state, folder.path())).replace("\"1s\"", "\"1h\"");
    let program = Program::start(folder.path(), &config.replace("\"1h\"", "\"1s\"")).await;
    program.until("/readyz", |text| text == "ready\n").await;
    let before = existing(&cloud);
    drop(program);
    let mut id = String::new();
    cloud.edit(|state| {
        let cluster = state.regions.values_mut().next().unwrap().of_mut("hbase").iter_mut().next().unwrap();
        cluster.tags.insert("env".to_owned(), "changed".to_owned());
        id = cluster.id().to_owned();
    });

    // An hour's interval begins with up to ten seconds of nothing: the first answers are of the file.
    let program = Program::start(folder.path(), &config).await;
    let first = program.json("/tags").await;
    assert_eq!(first["targets"][0]["status"], "stale");
    assert!(shown(&program).await == before);
    let metrics = program.get("/metrics").await;
    assert_eq!(sum(&metrics, "alicloud_tag_exporter_snapshot_stale{"), 1);
    assert_eq!(sum(&metrics, "_tag_changes_total{"), 0);
    assert!(!metrics.contains("alicloud_tag_exporter_collection_success{"));

    program.until("/tags", |text| text.contains("\"fresh\"")).await;
    let changes = program.all("/tags/changes", "changes").await;
    assert_eq!(changes.len(), 1);
    assert_eq!((&*text(&changes[0]["resource_id"]), &*text(&changes[0]["new"])), (&*id, "changed"));
    let moment = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(moment(&changes[0]["previous_at"]) < moment(&first["targets"][0]["last_success"]));
    assert_eq!(sum(&program.get("/metrics").await, "_tag_changes_total{"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_disk_it_continues_in_memory_logs_it_once_and_counts_it() {
    const FAILED: &str = "alicloud_tag_exporter_history_failures_total{operation=\"write\"} ";
    let mut random = fastrand::Rng::with_seed(SEED);
    let folder = tempfile::tempdir().unwrap();
    let (cloud, address) = program::cloud(synthetic(REGIONS, 6, 2)).await;
    let config = cloud.edit(|state| config(address, state, folder.path()));
    // A file can have so many blocks; without the trap the system would end the program.
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -f 2000; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_alicloud-tag-exporter"),
    ]);
    let mut program = Program::start_by(limited, folder.path(), &config).await;
    let failing = program.until("/metrics", |text| {
        cloud.edit(|state| drift(state, &mut random));
        sum(text, FAILED) > 1
    });
    let failing = failing.await;
    cloud.edit(|state| {
        let region = state.regions.values_mut().next().unwrap();
        region.of_mut("hbase").insert(Resource::new("hb-last"));
    });
    program.until("/tags/changes", |text| text.contains("hb-last")).await;
    assert!(program.all("/tags/changes", "changes").await.len() > 1, "the newest changes came along");
    assert_eq!(sum(&failing, "alicloud_tag_exporter_snapshot_stale{"), 0);
    program.process.kill().await.unwrap();
    let log = program.log.await.unwrap();
    assert_eq!(log.matches("cannot write the state file").count(), 1, "{log}");

    // What was told is not told again: what is listed next is a baseline, also where it changed once more.
    let program = Program::start(folder.path(), &config).await;
    assert!(!program.all("/tags", "resources").await.is_empty());
    program.until("/tags", |text| text.contains("hb-last")).await;
    let metrics = program.until("/metrics", |text| sum(text, "_snapshot_stale{") == 0).await;
    let counted = sum(&metrics, "_tag_changes_total{") + sum(&metrics, "_resource_changes_total{");
    assert_eq!(counted, 0);
    let changes = program.all("/tags/changes", "changes").await;
    assert!(!changes.iter().any(|change| change["resource_id"] == "hb-last"), "told twice");
    assert_eq!(sum(&metrics, FAILED), 0);
}
