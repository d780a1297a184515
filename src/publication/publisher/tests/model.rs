//! A random cloud that lies, collections that fail, reloads and crashes, in virtual time: what is shown existed, what
//! stays is never told as gone, and the log and the counters tell what was shown.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::ToSpan as _;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::inventory::Known;
use crate::publication::history::{ChangeLog, Logged};

type Texts = BTreeMap<String, String>;
type Cloud = BTreeMap<String, Texts>;

/// What a product's API has.
#[derive(Debug, Clone, Copy)]
struct Api {
    counts: bool,
    looks_up: bool,
}

const REGIONS: [&str; 4] = ["r1", "r2", "r3", "r4"];
/// Faults in a hundred, of each operation.
const FAULTS: u8 = 30;

fn api(region: usize) -> Api {
    Api { counts: region.is_multiple_of(2), looks_up: region < 2 }
}

struct Model {
    random: fastrand::Rng,
    clouds: [Cloud; 4],
    now: Timestamp,
    /// What the last listings had. Where an API does not count, two that lack an id would prove it gone.
    listed: [BTreeSet<String>; 4],
    excludes: bool,
    basis: u64,
    /// Whether the next listing is a baseline.
    is_new: [bool; 4],
    told: usize,
}

/// One collection as it was made up.
struct Made {
    before: Cloud,
    after: Cloud,
    is_whole: bool,
    outcome: Outcome,
}

impl Model {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            clouds: Default::default(),
            now: at("00:00:00"),
            listed: Default::default(),
            excludes: false,
            basis: 1,
            is_new: [true; 4],
            told: 0,
        }
    }

    fn is_hit(&mut self) -> bool {
        self.random.u8(..100) < FAULTS
    }

    /// Resources appear, vanish, move, and get other tags.
    fn drift(&mut self, region: usize) {
        for _ in 0..self.random.usize(..4) {
            let (id, key) = (format!("i-{}", self.random.u8(..12)), format!("k{}", self.random.u8(..4)));
            let key = if self.random.u8(..4) == 0 { format!("sys{key}") } else { key };
            let value = self.random.u8(..3).to_string();
            let other = self.random.usize(..4);
            let cloud = &mut self.clouds[region];
            match (self.random.u8(..8), cloud.remove(&id)) {
                (0, _) => {}
                (1, Some(tags)) => _ = self.clouds[other].insert(id, tags),
                (2, Some(mut tags)) => {
                    tags.remove(&key);
                    cloud.insert(id, tags);
                }
                (_, tags) => {
                    let mut tags = tags.unwrap_or_default();
                    tags.insert(key, value);
                    cloud.insert(id, tags);
                }
            }
        }
        if self.random.u8(..100) == 0 {
            self.clouds[region].clear();
        }
    }

    fn row(&self, id: &str, tags: &Texts) -> Resource {
        let is_system = |key: &str| self.excludes && key.starts_with("sys");
        let pairs = |wanted: bool| {
            let pairs = tags.iter().filter(move |(key, _)| is_system(key) == wanted);
            pairs.map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
        };
        Resource { tags: pairs(false), system_tags: pairs(true), ..Resource::new(id) }
    }

    /// A collection of a region whose known resources are `known`.
    fn collection(&mut self, region: usize, known: &[Resource]) -> Made {
        let before = self.clouds[region].clone();
        let started = self.now;
        self.drift(region);
        self.now += 1.minutes();
        let after = self.clouds[region].clone();
        let (listed, is_whole) = match self.random.u8(..100) {
            0..15 => (Err(Failure { reason: Reason::Throttled, message: String::new() }), false),
            _ => {
                let (listing, is_whole) = self.listing(region, &before, &after, known);
                (Ok(listing), is_whole)
            }
        };
        let target = target(REGIONS[region]);
        let outcome = Outcome { target, started, ended: self.now, took: MINUTE, listed };
        self.now += i64::from(self.random.u8(..6)).minutes();
        Made { before, after, is_whole, outcome }
    }

    /// What the lister makes of a cloud that changes while it is read.
    fn listing(
        &mut self,
        region: usize,
        before: &Cloud,
        after: &Cloud,
        known: &[Resource],
    ) -> (Listing, bool) {
        let api = api(region);
        let mut rows = BTreeMap::new();
        for id in before.keys().chain(after.keys()) {
            // Each row is read at a moment of its own.
            let read = if self.random.bool() { before.get(id) } else { after.get(id) };
            if let Some(tags) = read.or(before.get(id).and(after.get(id))) {
                rows.insert(id.clone(), tags.clone());
            }
        }
        let whole = rows.len();
        let keep = if self.is_hit() { self.random.u8(..100) } else { 100 };
        let last = std::mem::take(&mut self.listed[region]);
        rows.retain(|id, _| !(api.counts || last.contains(id)) || self.random.u8(..100) < keep);
        self.listed[region] = rows.keys().cloned().collect();
        let is_whole = rows.len() == whole;
        let lie = if self.random.u8(..100) < 5 { self.random.i64(-1..=2) } else { 0 };
        let mut difference = api.counts.then_some((whole - rows.len()) as i64 + lie);
        // A lie must not hide a hole: nobody could tell.
        difference = difference.map(|more| if is_whole { more } else { more.max(1) });
        let missing: Vec<_> = known.iter().filter(|known| !rows.contains_key(&*known.id)).collect();
        let (mut gone, mut is_confirmed) = (BTreeSet::new(), false);
        if api.looks_up {
            for one in missing {
                match after.get(&*one.id) {
                    _ if self.is_hit() => {}
                    None => _ = gone.insert(Arc::clone(&one.id)),
                    Some(tags) => {
                        rows.insert(one.id.to_string(), tags.clone());
                        difference = difference.map(|more| more.min(0).max(more - 1));
                    }
                }
            }
        } else if difference == Some(0) && !self.is_hit() {
            is_confirmed = true;
            let back = missing.into_iter().filter_map(|one| after.get_key_value(&*one.id));
            rows.extend(back.map(|(id, tags)| (id.clone(), tags.clone())));
        }
        let unreadable = rows.keys().filter(|_| self.random.u8(..100) < 5).map(|id| id.as_str().into());
        let unreadable = unreadable.collect();
        let resources = rows.iter().map(|(id, tags)| self.row(id, tags)).collect();
        (Listing { resources, difference, gone, is_confirmed, unreadable }, is_whole)
    }

    fn arrangement(&self) -> Arrangement {
        let pattern = if self.excludes { "sys*" } else { "none" };
        let system_keys = GlobSet::builder().add(Glob::new(pattern).unwrap()).build().unwrap();
        let settings = Settings {
            max_staleness: Duration::from_secs(1 << 40),
            system_keys: Arc::new(system_keys),
            ..Settings::default()
        };
        let arranged = Arranged { basis: self.basis, region_missing_since: None };
        let targets = REGIONS.map(|region| (target(region), arranged)).into();
        Arrangement {
            number: 1,
            settings: Arc::new(settings),
            targets,
            regions: BTreeMap::new(),
            scopes: Arc::new([]),
        }
    }

    /// What the collection `made` may have done to what was `known` before.
    fn check(&self, made: &Made, before: Option<&Known>, after: &Shown) {
        let Some(known) = &after.inventory.known else { return };
        if before.is_some_and(|before| before.ended == known.ended) {
            assert_eq!(before.unwrap().resources, known.resources, "a failure changed something");
            return;
        }
        let shown: BTreeMap<_, _> = known.resources.iter().map(|one| (&*one.id, one)).collect();
        let doubts = &after.inventory.doubts;
        for (id, resource) in &shown {
            let states = [made.before.get(*id), made.after.get(*id)];
            let is_doubted = doubts.missing.contains_key(*id) || doubts.count.is_some();
            assert!(is_doubted || states.iter().any(Option::is_some), "{id} is shown, but was not there");
            let fits = |tags: &&Texts| self.row(id, tags).tags == resource.tags;
            let was = before.and_then(|before| before.resources.iter().find(|one| one.id == resource.id));
            let is_kept = is_doubted || resource.unread.is_some();
            match was {
                _ if states.iter().flatten().any(fits) => {}
                Some(was) if is_kept => assert_eq!(was.tags, resource.tags, "{id} has other tags"),
                _ => assert!(resource.tags.is_empty() && !resource.has_known_tags(), "{id} never had these"),
            }
        }
        let was_known =
            |id: &str| before.is_some_and(|before| before.resources.iter().any(|one| *one.id == *id));
        for id in made.before.keys().filter(|id| made.after.contains_key(*id)) {
            let must_be_shown = made.is_whole || was_known(id);
            let is_shown = shown.contains_key(id.as_str());
            assert!(
                !must_be_shown || is_shown,
                "{id} is there, but not shown: {:?} {doubts:?}",
                made.outcome
            );
        }
    }
}

/// The user's tags of each resource; `None` while they have never been read.
fn texts(known: Option<&Known>) -> BTreeMap<String, Option<Texts>> {
    let resources = known.map_or(&[][..], |known| &known.resources).iter();
    let pairs = |one: &Resource| one.tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    resources.map(|one| (one.id.to_string(), one.has_known_tags().then(|| pairs(one)))).collect()
}

/// What the told changes make of `before`; what appears, and tags that are read at last, are taken from `after`.
fn replayed(
    before: Option<&Known>,
    after: Option<&Known>,
    told: &[Logged],
) -> BTreeMap<String, Option<Texts>> {
    let (mut state, after) = (texts(before), texts(after));
    for change in told.iter().rev() {
        let id = change.resource_id.clone();
        let (key, new) = (change.key.clone().unwrap_or_default(), change.new.clone());
        let tags = state.get_mut(&id).and_then(Option::as_mut);
        match &*change.kind {
            "resource_appeared" => assert!(state.insert(id.clone(), after[&id].clone()).is_none()),
            "resource_disappeared" => assert!(state.remove(&id).is_some()),
            "tag_removed" => assert_eq!(tags.unwrap().remove(&key), change.old),
            _ => assert_eq!(tags.unwrap().insert(key, new.unwrap()), change.old),
        }
    }
    for (id, tags) in state.iter_mut().filter(|(_, tags)| tags.is_none()) {
        *tags = after.get(id).cloned().flatten();
    }
    state
}

async fn all(log: &ChangeLog) -> Vec<Logged> {
    log.read(ChangeFilter { limit: 1_000_000, ..ChangeFilter::default() }).await.unwrap()
}

fn open(path: &Path) -> History {
    let retention = Duration::from_secs(1 << 30);
    History::open(path, retention, Instruments::new().unwrap()).unwrap()
}

fn counted(published: &Published) -> usize {
    let statuses = published.targets.values().map(|shown| text(&shown.statuses));
    let lines: Vec<_> =
        statuses.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let of_changes = lines.iter().filter(|line| line.contains("_changes_total{"));
    of_changes.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

async fn run(seed: u64, collections: usize) {
    println!("seed {seed}");
    // In memory where that is possible: each collection waits for the disk otherwise.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join("state.db");
    let mut model = Model::new(seed);
    let mut history = open(&path);
    let mut log = history.change_log();
    let mut publisher = Publisher::new(history, model.arrangement());
    let mut published = publisher.publish(model.now);
    for number in 0..collections {
        let region = model.random.usize(..4);
        let name = target(REGIONS[region]);
        let before = published.targets[&name].inventory.known.clone();
        let resources = published.resources(&name);
        let made = model.collection(region, &resources);
        let is_crash = model.random.u8(..100) == 0;
        if model.random.u8(..200) == 0 {
            model.basis += 1;
            model.is_new = [true; 4];
            publisher.arrange(model.arrangement()).await;
        }
        if is_crash {
            // At one of its awaits; what is written then is written whole or not at all.
            let _ = timeout(Duration::ZERO, publisher.absorb(&made.outcome)).await;
        } else {
            publisher.absorb(&made.outcome).await;
        }
        if is_crash || model.random.u8(..100) == 0 {
            drop((publisher, log));
            history = open(&path);
            log = history.change_log();
            publisher = Publisher::new(history, model.arrangement());
        }
        published = publisher.publish(model.now);
        let shown = &published.targets[&name];
        model.check(&made, before.as_ref(), shown);
        let told = all_new(&log, &mut model.told).await;
        let after = shown.inventory.known.as_ref();
        let is_listed = after.map(|known| known.ended) != before.as_ref().map(|known| known.ended);
        if model.is_new[region] {
            assert!(told.is_empty(), "a baseline told changes");
            model.is_new[region] = !is_listed;
        } else {
            assert_eq!(
                replayed(before.as_ref(), after, &told),
                texts(after),
                "collection {number} of seed {seed}"
            );
        }
        if number % 50 == 0 {
            assert_eq!(counted(&published), model.told, "counters and log differ");
        }
        if model.random.u8(..100) == 0 {
            model.excludes = !model.excludes;
            publisher.arrange(model.arrangement()).await;
            published = publisher.publish(model.now);
        }
    }
    assert!(model.told > collections / 10, "only {} changes", model.told);
    assert_eq!(all(&log).await.len(), model.told);
}

/// The changes that were not there before, newest first.
async fn all_new(log: &ChangeLog, before: &mut usize) -> Vec<Logged> {
    let filter = ChangeFilter { limit: 100, ..ChangeFilter::default() };
    let mut newest = log.read(filter).await.unwrap();
    let number = newest.first().map_or(0, |change| change.position.number() as usize);
    newest.truncate(number - *before);
    *before = number;
    newest
}

#[tokio::test]
async fn a_cloud_that_lies_tells_nothing_but_the_truth() {
    for seed in 1..=4 {
        run(seed, 150).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; `make test` runs it"]
async fn a_cloud_that_lies_ten_thousand_times_tells_nothing_but_the_truth() {
    let mut runs: JoinSet<_> =
        [1, 2, 3, fastrand::u64(..)].map(|seed| run(seed, 2_500)).into_iter().collect();
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
}
