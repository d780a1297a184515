use globset::{Glob, GlobSet};

use super::*;
use crate::instruments::Instruments;
use crate::inventory::{Failure, Listing, Reason, Resource, Status, Tags, tags_of};
use crate::policy::{RequiredTag, Rules, State};
use crate::publication::exposition::{Blocks, Options, Plain};
use crate::publication::history::ChangeFilter;

const MINUTE: Duration = Duration::from_secs(60);

fn at(text: &str) -> Timestamp {
    format!("2026-11-24T{text}Z").parse().unwrap()
}

/// A publisher of one target for each region.
fn publisher<const N: usize>(regions: [&str; N], max_series: usize) -> Publisher {
    let required_tags = vec![RequiredTag::of("owner")];
    let include_keys = GlobSet::builder().add(Glob::new("*").unwrap()).build().unwrap();
    let options = Options { resource_tag: true, include_keys, max_series, ..Options::default() };
    let rules = Rules { required_tags, grace_period: 10 * MINUTE, ..Rules::default() };
    let settings = Settings { rules, options, max_staleness: 60 * MINUTE, ..Settings::default() };
    Publisher::new(history(), arrangement(settings, regions))
}

fn history() -> History {
    History::in_memory(Instruments::new().unwrap()).unwrap()
}

/// Of targets that are listed as they were before.
fn arrangement<const N: usize>(settings: Settings, regions: [&str; N]) -> Arrangement {
    let arranged = Arranged { basis: 1, region_missing_since: None };
    Arrangement {
        number: 1,
        settings: Arc::new(settings),
        targets: regions.map(|region| (target(region), arranged)).into(),
        regions: BTreeMap::new(),
        scopes: Arc::default(),
    }
}

fn target(region: &str) -> Target {
    Target::new("a", region, "hbase")
}

fn resource(id: &str, tags: Tags) -> Resource {
    Resource { created_at: Some(at("03:00:00")), tags, ..Resource::new(id) }
}

fn outcome(region: &str, time: &str, listed: Result<Arc<[Resource]>, Failure>) -> Outcome {
    let listed = listed.map(|resources| Listing { resources, is_confirmed: true, ..Listing::default() });
    Outcome { target: target(region), started: at(time), ended: at(time), took: MINUTE, listed }
}

fn text(blocks: &Blocks) -> String {
    String::from_utf8(Plain::of(blocks).collect::<Vec<_>>().concat()).unwrap()
}

fn untagged(id: &str) -> Arc<[Resource]> {
    Arc::new([resource(id, Tags::default())])
}

#[tokio::test]
async fn an_outcome_renders_its_own_target_only() {
    let mut publisher = publisher(["r1", "r2"], 100);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    publisher.absorb(&outcome("r2", "03:01:00", Ok(untagged("hb-2")))).await;
    let before = publisher.publish(at("03:01:00"));
    publisher.absorb(&outcome("r2", "03:02:00", Ok(untagged("hb-3")))).await;
    let after = publisher.publish(at("03:02:00"));
    assert!(Arc::ptr_eq(&before.targets[&target("r1")], &after.targets[&target("r1")]));
    assert!(!Arc::ptr_eq(&before.targets[&target("r2")], &after.targets[&target("r2")]));
}

#[tokio::test]
async fn a_listing_that_says_nothing_new_renders_no_resource() {
    let mut publisher = publisher(["r1"], 100);
    let same = untagged("hb-1");
    publisher.absorb(&outcome("r1", "03:01:00", Ok(Arc::clone(&same)))).await;
    let before = publisher.publish(at("03:01:00"));
    publisher.absorb(&outcome("r1", "03:02:00", Ok(same))).await;
    let after = publisher.publish(at("03:02:00"));
    let (before, after) = (&before.targets[&target("r1")], &after.targets[&target("r1")]);
    assert!(Arc::ptr_eq(&before.subject, &after.subject));
    assert_eq!(after.known.as_ref().unwrap().ended, at("03:02:00"));
    assert_ne!(text(&before.statuses), text(&after.statuses));
}

#[tokio::test]
async fn a_target_that_grows_cuts_those_behind_it() {
    let mut publisher = publisher(["r1", "r2"], 1);
    let tagged = |id| Arc::new([resource(id, tags_of([("owner", "x")]))]) as Arc<[Resource]>;
    publisher.absorb(&outcome("r2", "03:01:00", Ok(tagged("hb-2")))).await;
    let shown = |published: &Published| text(&published.targets[&target("r2")].subject);
    assert!(shown(&publisher.publish(at("03:01:00"))).contains("alicloud_resource_tag{"));
    publisher.absorb(&outcome("r1", "03:02:00", Ok(tagged("hb-1")))).await;
    assert!(!shown(&publisher.publish(at("03:02:00"))).contains("alicloud_resource_tag{"));
}

#[tokio::test]
async fn grace_and_staleness_end_by_themselves_also_while_collections_fail() {
    let mut publisher = publisher(["r1"], 100);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    let failure = Failure { reason: Reason::Throttled, message: String::new() };
    publisher.absorb(&outcome("r1", "03:02:00", Err(failure))).await;
    let mut shown = |time| Arc::clone(&publisher.publish(at(time)).targets[&target("r1")]);
    assert_eq!(shown("03:02:00").judgement.verdicts[0].state, State::Pending);
    assert_eq!(shown("03:10:00").judgement.verdicts[0].state, State::Violating);
    assert!(shown("04:01:00").known.is_some());
    assert!(shown("04:01:01").known.is_none());
    assert_eq!(publisher.nap(at("04:01:01")), MAX_NAP);
}

#[tokio::test]
async fn regions_join_and_leave_without_a_change_and_it_is_complete_for_good_once_it_was() {
    let mut publisher = publisher(["r1"], 100);
    let settings = (*publisher.settings).clone();
    let found = |regions: &[&str], is_answered| {
        let mut arrangement = arrangement(settings.clone(), []);
        let arranged = Arranged { basis: 1, region_missing_since: None };
        arrangement.targets = regions.iter().map(|region| (target(region), arranged)).collect();
        let regions = Regions { is_answered, ..Regions::default() };
        arrangement.regions.insert(Scope::new("a", "hbase"), regions);
        arrangement
    };
    publisher.arrange(found(&["r1"], false)).await;
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    assert!(!publisher.publish(at("03:01:00")).was_complete, "regions are looked for");
    publisher.arrange(found(&["r2"], true)).await;
    let published = publisher.publish(at("03:02:00"));
    assert_eq!(published.targets.keys().collect::<Vec<_>>(), [&target("r2")]);
    assert!(!published.was_complete, "the new target was not collected");
    publisher.absorb(&outcome("r2", "03:03:00", Ok(untagged("hb-2")))).await;
    assert!(publisher.publish(at("03:03:00")).was_complete);
    publisher.arrange(found(&["r2", "r3"], true)).await;
    assert!(publisher.publish(at("03:04:00")).was_complete, "later targets do not take it back");
    let log = publisher.history.change_log();
    let changes = log.read(ChangeFilter { limit: 10, ..ChangeFilter::default() }).await.unwrap();
    assert!(changes.is_empty(), "{changes:?}");
}

#[tokio::test]
async fn it_naps_until_the_first_moment_at_which_the_clock_changes_something() {
    let mut publisher = publisher(["r1"], 100);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    publisher.publish(at("03:09:30"));
    assert_eq!(publisher.nap(at("03:09:30")), MINUTE / 2);
}

#[tokio::test]
async fn a_remaining_target_is_judged_again_and_a_removed_one_leaves_every_answer() {
    let mut publisher = publisher(["r1", "r2"], 100);
    for region in ["r1", "r2"] {
        publisher.absorb(&outcome(region, "03:01:00", Ok(untagged("hb-1")))).await;
    }
    let before = publisher.publish(at("03:20:00"));
    assert_eq!(before.targets[&target("r1")].judgement.verdicts[0].state, State::Violating);
    let settings = Settings { rules: Rules::default(), ..(*publisher.settings).clone() };
    publisher.arrange(arrangement(settings, ["r1", "r3"])).await;
    let after = publisher.publish(at("03:20:01"));
    assert_eq!(after.targets.keys().collect::<Vec<_>>(), [&target("r1"), &target("r3")]);
    let stays = &after.targets[&target("r1")];
    assert_eq!(stays.judgement.verdicts[0].state, State::Compliant);
    assert!(text(&stays.statuses).contains("_collections_total{"));
    assert!(stays.inventory.last_attempt.is_some());
}

#[tokio::test]
async fn a_listing_by_another_source_of_tags_is_a_baseline() {
    let mut publisher = publisher(["r1"], 100);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    let mut other = arrangement((*publisher.settings).clone(), ["r1"]);
    other.targets.values_mut().for_each(|arranged| arranged.basis = 2);
    publisher.arrange(other).await;
    assert_eq!(publisher.absorb(&outcome("r1", "03:02:00", Ok(untagged("hb-2")))).await, 0);
    assert_eq!(publisher.absorb(&outcome("r1", "03:03:00", Ok(untagged("hb-3")))).await, 2);
}

#[tokio::test]
async fn other_system_keys_split_the_tags_again_and_are_no_change() {
    let mut publisher = publisher(["r1"], 100);
    let tagged = Arc::new([resource("hb-1", tags_of([("owner", "x"), ("corp:id", "7")]))]);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(tagged))).await;
    let system_keys = GlobSet::builder().add(Glob::new("corp:*").unwrap()).build().unwrap();
    let settings = Settings { system_keys: Arc::new(system_keys), ..(*publisher.settings).clone() };
    publisher.arrange(arrangement(settings, ["r1"])).await;
    let published = publisher.publish(at("03:02:00"));
    let split = &published.resources(&target("r1"))[0];
    assert_eq!((&split.tags, &split.system_tags), (&tags_of([("owner", "x")]), &tags_of([("corp:id", "7")])));
    let listed = Arc::clone(&published.resources(&target("r1")));
    assert_eq!(publisher.absorb(&outcome("r1", "03:03:00", Ok(listed))).await, 0);
}

#[tokio::test]
async fn the_targets_of_a_region_that_is_missing_are_stale_and_know_it_after_a_reload() {
    let mut publisher = publisher(["r1"], 100);
    publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
    let settings = (*publisher.settings).clone();
    let missing = |since| {
        let mut arrangement = arrangement(settings.clone(), ["r1"]);
        arrangement.targets.values_mut().for_each(|arranged| arranged.region_missing_since = since);
        arrangement
    };
    publisher.arrange(missing(Some(at("03:02:00")))).await;
    let status = |publisher: &mut Publisher| publisher.publish(at("03:03:00")).targets[&target("r1")].status;
    assert_eq!(status(&mut publisher), Status::Stale);
    publisher.arrange(missing(None)).await;
    assert_eq!(status(&mut publisher), Status::Fresh);
}

mod model;
