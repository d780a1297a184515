use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::inventory::diff::{self, ChangeKind, Tally};
use crate::inventory::{Doubts, Known, Resource, Tags, TargetFilter, tags_of};
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
        name: "它".into(),
        resource_group_id: "rg-1".into(),
        status: "ACTIVATION".into(),
        created_at: "2019-09-12T14:40:46.0000001Z".parse().ok(),
        tags,
        system_tags: tags_of([("acs:x", "\u{0}\"y")]),
        ..Resource::new(id)
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
    let stored = Some(Stored { before: before.cloned(), known: known.clone(), changes });
    Step { target, stored, tally: *tally, notes: Notes::default() }
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

/// What is recalled of the only target that is wanted.
fn recalled(history: &History, region: &str) -> BTreeMap<Target, Recalled> {
    let targets = [target(region)];
    history.arrange(&targets, &targets)
}

fn in_region(region: &str) -> TargetFilter {
    TargetFilter { region_id: Some(region.to_owned()), ..TargetFilter::default() }
}

async fn ids(history: &History, filter: ChangeFilter) -> Vec<String> {
    let read =
        history.change_log().read(ChangeFilter { limit: filter.limit.max(20), ..filter }).await.unwrap();
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
    let families = history.0.instruments.gather().unwrap();
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
async fn a_page_continues_where_the_last_one_ended_while_changes_arrive() {
    let history = with_appeared(["1", "2", "3"]).await;
    let page = history.change_log().read(ChangeFilter { limit: 2, ..ChangeFilter::default() }).await.unwrap();
    let new = known(9, vec![resource("4", Tags::default())]);
    history.commit(step("r", Some(&known(8, Vec::new())), &new, &mut Tally::default())).await;
    let after = Some(page[1].position);
    assert_eq!(ids(&history, ChangeFilter { after, ..ChangeFilter::default() }).await, ["1"]);
    assert_eq!(ids(&history, ChangeFilter::default()).await, ["4", "3", "2", "1"]);
}

#[tokio::test]
async fn changes_of_one_moment_are_on_one_page_or_the_next_but_never_on_both() {
    let history = History::in_memory(Instruments::new().unwrap()).unwrap();
    let now = known(1, ["1", "2", "3"].map(|id| resource(id, Tags::default())).to_vec());
    history.commit(step("r", Some(&known(0, Vec::new())), &now, &mut Tally::default())).await;
    let mut seen = Vec::new();
    let mut after = None;
    while let Some(change) = history
        .change_log()
        .read(ChangeFilter { after, limit: 1, ..ChangeFilter::default() })
        .await
        .unwrap()
        .pop()
    {
        after = Some(change.position);
        seen.push(change.resource_id);
    }
    assert_eq!(seen, ["3", "2", "1"]);
}

#[tokio::test]
async fn all_filters_must_hold() {
    let history = with_appeared(["1", "2"]).await;
    let since = Some(at(3));
    let filter = |id: &str| ChangeFilter { since, resource_id: Some(id.into()), ..ChangeFilter::default() };
    assert_eq!(ids(&history, filter("1")).await, [""; 0]);
    assert_eq!(ids(&history, filter("2")).await, ["2"]);
    let until = ChangeFilter { until: Some(at(2)), target: in_region("r"), ..ChangeFilter::default() };
    assert_eq!(ids(&history, until).await, ["1"]);
    let other = ChangeFilter { target: in_region("r2"), ..ChangeFilter::default() };
    assert_eq!(ids(&history, other).await, [""; 0]);
    let key = ChangeFilter { key: Some("owner".into()), ..ChangeFilter::default() };
    assert_eq!(ids(&history, key).await, [""; 0]);
}

#[tokio::test]
async fn memory_keeps_the_newest_changes() {
    let history = with_appeared(["1"]).await;
    let many =
        (0..MAX_CHANGES_IN_MEMORY).map(|number| resource(&format!("{number:05}"), Tags::default())).collect();
    let (before, now) = (known(1, Vec::new()), known(2, many));
    history.commit(step("r", Some(&before), &now, &mut Tally::default())).await;
    let all = ids(&history, ChangeFilter { limit: 20_000, ..ChangeFilter::default() }).await;
    assert_eq!(all.len(), MAX_CHANGES_IN_MEMORY as usize);
    assert!(!all.contains(&"1".to_owned()));
}

#[tokio::test]
async fn memory_recalls_counters_but_no_inventory_for_it_keeps_none() {
    let history = with_appeared(["1"]).await;
    let recalled = recalled(&history, "r").remove(&target("r")).unwrap();
    assert!(recalled.known.is_none(), "an empty inventory would be a lie");
}

#[tokio::test]
async fn a_file_is_one_process_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder);
    let problem = try_open(&folder).err().unwrap().to_string();
    assert!(problem.contains("is in use by another process"), "{problem}");
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
    assert!(recalled(&history, "other").is_empty());
    assert_eq!(ids(&history, ChangeFilter::default()).await, [""; 0]);
    let back = recalled(&history, "r");
    assert!(back[&target("r")].known.is_none());
    assert_eq!(back[&target("r")].tally.number(ChangeKind::ResourceAppeared), 1);
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
    assert_eq!(ids(&history, ChangeFilter::default()).await, ["2"]);
}

#[tokio::test]
async fn doubts_and_the_basis_are_there_after_a_restart_also_when_nothing_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let doubts = Doubts { missing: [("1".into(), at(5))].into(), region_missing_since: Some(at(6)) };
    let notes = Notes { basis: Some(u64::MAX), doubts };
    let now = known(0, vec![resource("1", Tags::default())]);
    let history = open(&folder);
    history.commit(step("r", None, &now, &mut Tally::default())).await;
    let doubtful = Step { target: target("r"), stored: None, tally: Tally::default(), notes: notes.clone() };
    history.commit(doubtful).await;
    drop(history);
    let recalled = recalled(&open(&folder), "r").remove(&target("r")).unwrap();
    assert_eq!(recalled.notes, notes);
    assert_eq!(recalled.known.unwrap().resources.len(), 1);
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
                let recalled = recalled(&history, "r").remove(&target("r")).unwrap_or_default();
                let told = recalled.known.as_ref().map(|known| (known.resources.to_vec(), known.started));
                prop_assert_eq!(told, before.as_ref().map(|known| (known.resources.to_vec(), known.started)));
                prop_assert_eq!(recalled.tally, tally);
                let now = known(minute, resources);
                let step = step("r", recalled.known.as_ref(), &now, &mut tally);
                logged += step.stored.as_ref().unwrap().changes.len();
                history.commit(step).await;
                prop_assert_eq!(ids(&history, ChangeFilter { limit: 100, ..ChangeFilter::default() }).await.len(), logged);
                before = Some(now);
            }
            Ok(())
        })?;
    }
}
