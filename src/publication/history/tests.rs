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

/// Commits while `reader` is in the middle of reading the log.
async fn commit_beside_a_reader(history: &History) {
    let reader = history.0.readers.connect().unwrap();
    let mut select = reader.prepare("SELECT * FROM changes").unwrap();
    let mut rows = select.query([]).unwrap();
    assert!(rows.next().unwrap().is_some());
    let now = known(9, vec![resource("new", Tags::default())]);
    let commit = history.commit(step("r", Some(&known(8, Vec::new())), &now, &mut Tally::default()));
    tokio::time::timeout(Duration::from_secs(2), commit).await.expect("the reader keeps it waiting");
    assert!(ids(history, ChangeFilter::default()).await.contains(&"new".to_owned()));
}

#[tokio::test]
async fn a_reader_never_keeps_a_commit_waiting() {
    commit_beside_a_reader(&with_appeared(["1", "2"]).await).await;
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    let (before, two) = (known(1, Vec::new()), ["1", "2"].map(|id| resource(id, Tags::default())));
    history.commit(step("r", Some(&before), &known(2, two.to_vec()), &mut Tally::default())).await;
    commit_beside_a_reader(&history).await;
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_interrupted_and_the_next_one_is_answered() {
    let history = with_appeared(["1"]).await;
    let many = (0..9_000).map(|number| resource(&format!("{number:05}"), Tags::default())).collect();
    history.commit(step("r", Some(&known(1, Vec::new())), &known(2, many), &mut Tally::default())).await;
    let all = || ChangeFilter { limit: 20_000, ..ChangeFilter::default() };
    let query = |limit| history.0.readers.query(&all(), limit).map(|changes| changes.len());
    assert!(matches!(query(Duration::ZERO), Err(Unread::TooSlow)));
    assert_eq!(query(Duration::from_secs(60)).unwrap(), 9_001);
}

#[tokio::test(start_paused = true)]
async fn queries_past_the_most_at_once_are_refused_and_not_queued_for_ever() {
    let history = with_appeared(["1"]).await;
    let _turns = history.0.readers.take_all_turns();
    let read = history.change_log().read(ChangeFilter::default()).await;
    assert!(matches!(read, Err(Unread::Busy)));
}

#[tokio::test]
async fn a_file_without_shared_memory_is_written_and_says_that_it_cannot_be_read_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("state.db-shm")).unwrap();
    let history = open(&folder);
    let now = known(1, vec![resource("1", Tags::default())]);
    history.commit(step("r", None, &now, &mut Tally::default())).await;
    let read = history.change_log().read(ChangeFilter::default()).await;
    assert!(matches!(read, Err(Unread::Unreadable)), "{read:?}");
    assert!(try_open(&folder).is_err());
    drop(history);
    assert_eq!(recalled(&open(&folder), "r")[&target("r")].known.as_ref().unwrap().resources.len(), 1);
}

#[tokio::test]
async fn a_new_file_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    history.commit(step("r", None, &known(1, Vec::new()), &mut Tally::default())).await;
    for name in ["state.db", "state.db-wal", "state.db-shm", "state.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
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
async fn a_file_whose_tables_are_not_as_expected_does_not_prevent_the_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let database = Connection::open(folder.path().join("state.db")).unwrap();
    database.execute_batch("ALTER TABLE targets RENAME COLUMN ended TO finished").unwrap();
    drop(database);
    let families = try_open(&folder).unwrap().0.instruments.gather().unwrap();
    let metrics: String = families.iter().map(|family| exposition::own(family).1).collect();
    assert!(metrics.contains(OPEN_FAILED), "{metrics}");
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
        pass_time(&history, minute);
        let now = known(minute, ids.into_iter().map(|id| resource(id, Tags::default())).collect());
        history.commit(step("r", before.as_ref(), &now, &mut tally)).await;
        before = Some(now);
    }
    assert_eq!(ids(&history, ChangeFilter::default()).await, ["2"]);
}

/// As if the time until this minute had really passed.
fn pass_time(history: &History, minute: i64) {
    if let Medium::File { clock: Some(clock), .. } = &mut history.0.lock().medium {
        *clock = Clock::at(at(minute + 1));
    }
}

#[tokio::test]
async fn a_clock_that_jumps_by_years_deletes_no_change() {
    const DECADE: i64 = 10 * 365 * 1440;
    let folder = tempfile::tempdir().unwrap();
    let mut history = open(&folder);
    let mut tally = Tally::default();
    let mut before = known(0, Vec::new());
    for (number, minute) in [1, 2, DECADE, DECADE + 1, 5, 6, -DECADE, 8, 9].into_iter().enumerate() {
        let appeared = resource(&number.to_string(), Tags::default());
        let now = known(minute, [&before.resources[..], &[appeared]].concat());
        history.commit(step("r", Some(&before), &now, &mut tally)).await;
        before = now;
        drop(history);
        history = open(&folder);
        recalled(&history, "r");
    }
    assert_eq!(ids(&history, ChangeFilter::default()).await.len(), 9);
}

#[tokio::test]
async fn a_file_that_is_older_than_what_was_told_gives_baselines_and_counts_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let history = open(&folder);
    let (mut tally, now) = (Tally::default(), known(1, vec![resource("1", Tags::default())]));
    let notes = Notes { basis: Some(7), ..Notes::default() };
    history.commit(Step { notes, ..step("r", Some(&known(0, Vec::new())), &now, &mut tally) }).await;
    history.0.lose(&mut history.0.lock(), "write", &rusqlite::Error::InvalidQuery);
    drop(history);
    for _ in 0..2 {
        let recalled = recalled(&open(&folder), "r").remove(&target("r")).unwrap();
        assert_eq!((recalled.notes.basis, recalled.tally), (Some(0), Tally::default()));
        assert_eq!(recalled.known.unwrap().resources.len(), 1);
    }
}

#[tokio::test]
async fn doubts_and_the_basis_are_there_after_a_restart_also_when_nothing_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let doubts = Doubts {
        missing: [("1".into(), at(5))].into(),
        region_missing_since: Some(at(6)),
        ..Doubts::default()
    };
    let notes = Notes { basis: Some(u64::MAX), doubts, ..Notes::default() };
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
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
