use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::inventory::diff::{self, Tally};
use crate::inventory::{Known, Resource, Tags, tags_of};
use crate::publication::exposition;

const DAY: Duration = Duration::from_secs(86_400);

fn target(region: &str) -> Target {
    Target::new("a", region, "hbase")
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

fn resource(id: &str, tags: Tags) -> Resource {
    Resource {
        id: id.into(),
        name: "它".into(),
        resource_group_id: "rg-1".into(),
        status: "ACTIVATION".into(),
        created_at: "2019-09-12T14:40:46.0000001Z".parse().ok(),
        tags,
        system_tags: tags_of([("acs:x", "\u{0}\"y")]),
    }
}

fn known(minute: i64, resources: Vec<Resource>) -> Known {
    Known { resources: resources.into(), started: at(minute), ended: at(minute + 1), count_mismatch: true }
}

/// The step that a collection of `known` is, after `before`.
fn step(region: &str, before: Option<&Known>, known: &Known, tally: &mut Tally) -> Step {
    let target = target(region);
    let changes = before.map_or(Vec::new(), |before| diff::changes(&target, before, known));
    tally.count(&changes);
    Step { target, before: before.cloned(), known: known.clone(), changes, tally: *tally }
}

/// A history in memory in which resources appeared one after the other, a minute each.
async fn with_appeared(ids: impl IntoIterator<Item = &'static str>) -> History {
    let history = History::in_memory(Instruments::new().unwrap()).unwrap();
    let mut before = known(0, Vec::new());
    for (minute, id) in (1..).zip(ids) {
        let now = known(minute, [&before.resources[..], &[resource(id, Tags::default())]].concat());
        history.commit(step("r", Some(&before), &now, &mut Tally::default())).await;
        before = now;
    }
    history
}

async fn ids(history: &History, filter: Filter) -> Vec<String> {
    let read = history.read(Filter { limit: filter.limit.max(20), ..filter }).await.unwrap();
    read.into_iter().map(|change| change.resource_id).collect()
}

fn open(folder: &TempDir) -> History {
    try_open(folder).unwrap()
}

fn try_open(folder: &TempDir) -> anyhow::Result<History> {
    History::open(&folder.path().join("state.db"), DAY, Instruments::new().unwrap())
}

/// A file that `text` is written to, and how a history made of it counts its failure.
fn opened_over(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, bytes).unwrap();
    let history = open(&folder);
    let families = history.instruments.gather().unwrap();
    let metrics = families.iter().map(|family| exposition::own(family).1).collect();
    drop(history);
    assert!(std::fs::read(&path).unwrap() == bytes, "the file was written to");
    metrics
}

const OPEN_FAILED: &str = "alicloud_tag_exporter_history_failures_total{operation=\"open\"} 1\n";

/// A database that `sql` was run in.
fn database(sql: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_while_changes_arrive() {
    let history = with_appeared(["1", "2", "3"]).await;
    let page = history.read(Filter { limit: 2, ..Filter::default() }).await.unwrap();
    let new = known(9, vec![resource("4", Tags::default())]);
    history.commit(step("r", Some(&known(8, Vec::new())), &new, &mut Tally::default())).await;
    let after = Some(page[1].place);
    assert_eq!(ids(&history, Filter { after, ..Filter::default() }).await, ["1"]);
    assert_eq!(ids(&history, Filter::default()).await, ["4", "3", "2", "1"]);
}

#[tokio::test]
async fn changes_of_one_moment_are_on_one_page_or_the_next_but_never_on_both() {
    let history = History::in_memory(Instruments::new().unwrap()).unwrap();
    let now = known(1, ["1", "2", "3"].map(|id| resource(id, Tags::default())).to_vec());
    history.commit(step("r", Some(&known(0, Vec::new())), &now, &mut Tally::default())).await;
    let mut seen = Vec::new();
    let mut after = None;
    while let Some(change) =
        history.read(Filter { after, limit: 1, ..Filter::default() }).await.unwrap().pop()
    {
        after = Some(change.place);
        seen.push(change.resource_id);
    }
    assert_eq!(seen, ["3", "2", "1"]);
}

#[tokio::test]
async fn all_filters_must_hold() {
    let history = with_appeared(["1", "2"]).await;
    let since = Some(at(3));
    let filter = |id: &str| Filter { since, resource_id: Some(id.into()), ..Filter::default() };
    assert_eq!(ids(&history, filter("1")).await, [""; 0]);
    assert_eq!(ids(&history, filter("2")).await, ["2"]);
    let until = Filter { until: Some(at(2)), region_id: Some("r".into()), ..Filter::default() };
    assert_eq!(ids(&history, until).await, ["1"]);
    let other = Filter { region_id: Some("r2".into()), ..Filter::default() };
    assert_eq!(ids(&history, other).await, [""; 0]);
    let key = Filter { key: Some("owner".into()), ..Filter::default() };
    assert_eq!(ids(&history, key).await, [""; 0]);
}

#[tokio::test]
async fn memory_keeps_the_newest_changes() {
    let history = with_appeared(["1"]).await;
    let many = (0..KEPT).map(|number| resource(&format!("{number:05}"), Tags::default())).collect();
    let (before, now) = (known(1, Vec::new()), known(2, many));
    history.commit(step("r", Some(&before), &now, &mut Tally::default())).await;
    let all = ids(&history, Filter { limit: 20_000, ..Filter::default() }).await;
    assert_eq!(all.len(), KEPT as usize);
    assert!(!all.contains(&"1".to_owned()));
}

#[tokio::test]
async fn memory_recalls_counters_but_no_inventory_for_it_keeps_none() {
    let history = with_appeared(["1"]).await;
    let recalled = history.recall(&[target("r")], &[]).remove(&target("r")).unwrap();
    assert!(recalled.known.is_none(), "an empty inventory would be a lie");
}

#[tokio::test]
async fn a_file_is_one_process_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder);
    let problem = try_open(&folder).err().unwrap().to_string();
    assert!(problem.contains("another process uses the state file"), "{problem}");
    drop(first);
    open(&folder);
}

#[test]
fn a_file_that_cannot_be_used_is_counted_and_left_as_it_is() {
    let newer =
        format!("CREATE TABLE t (x); PRAGMA application_id = {}; PRAGMA user_version = 99", 0x7461_6773);
    for bytes in [b"no database at all".to_vec(), database("CREATE TABLE other (x)"), database(&newer)] {
        assert!(opened_over(&bytes).contains(OPEN_FAILED));
    }
}

#[tokio::test]
async fn a_target_that_left_the_configuration_is_seen_no_more_and_comes_back_with_a_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    let mut tally = Tally::default();
    let (empty, one) = (known(0, Vec::new()), known(1, vec![resource("1", Tags::default())]));
    history.commit(step("r", None, &empty, &mut tally)).await;
    history.commit(step("r", Some(&empty), &one, &mut tally)).await;
    assert!(history.recall(&[target("other")], &[]).is_empty());
    assert_eq!(ids(&history, Filter::default()).await, [""; 0]);
    let back = history.recall(&[target("r")], &[]);
    assert!(back[&target("r")].known.is_none());
    assert_eq!(back[&target("r")].tally.appeared, 1);
}

#[tokio::test]
async fn changes_older_than_the_retention_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    let mut tally = Tally::default();
    let states = [(0, vec![]), (1, vec!["1"]), (1500, vec!["1", "2"])];
    let mut before = None;
    for (minute, ids) in states {
        let now = known(minute, ids.into_iter().map(|id| resource(id, Tags::default())).collect());
        history.commit(step("r", before.as_ref(), &now, &mut tally)).await;
        before = Some(now);
    }
    assert_eq!(ids(&history, Filter::default()).await, ["2"]);
}

fn any_inventory() -> impl Strategy<Value = Vec<Resource>> {
    let tags = prop::collection::btree_map("[ab\u{0}\"é]{1,2}", "[xy]{0,1}", 0..3);
    prop::collection::btree_map("[a-d]", tags, 0..4).prop_map(|all| {
        let tags =
            |tags: BTreeMap<String, String>| tags.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        all.into_iter().map(|(id, pairs)| resource(&id, tags(pairs))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn what_was_committed_is_there_after_a_restart(inventories in prop::collection::vec(any_inventory(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (mut before, mut tally, mut logged) = (None::<Known>, Tally::default(), 0);
            for (minute, resources) in (0..).zip(inventories) {
                let history = open(&folder);
                let recalled = history.recall(&[target("r")], &[]).remove(&target("r")).unwrap_or_default();
                let told = recalled.known.as_ref().map(|known| (known.resources.to_vec(), known.started));
                prop_assert_eq!(told, before.as_ref().map(|known| (known.resources.to_vec(), known.started)));
                prop_assert_eq!(recalled.tally, tally);
                let now = known(minute, resources);
                let step = step("r", recalled.known.as_ref(), &now, &mut tally);
                logged += step.changes.len();
                history.commit(step).await;
                prop_assert_eq!(ids(&history, Filter { limit: 100, ..Filter::default() }).await.len(), logged);
                before = Some(now);
            }
            Ok(())
        })?;
    }
}
