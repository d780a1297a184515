//! Takes every collection's outcome, advances one target, and publishes the whole: nobody else changes what is
//! known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::exposition::Room;
use crate::history::{History, Recalled};
use crate::inventory::{Outcome, Target};

mod tracked;

use tracked::Tracked;
pub use tracked::{Settings, Shown};

/// All that can be seen from outside at one moment. Immutable.
#[derive(Debug, Clone)]
pub struct Published {
    /// Grows with each publication.
    pub version: u64,
    pub at: Timestamp,
    pub targets: BTreeMap<Target, Arc<Shown>>,
}

impl Published {
    /// Whether every target has been collected, or has failed, at least once.
    pub fn is_complete(&self) -> bool {
        self.targets.values().all(|shown| shown.inventory.last_attempt.is_some())
    }
}

pub struct Publisher {
    settings: Settings,
    history: History,
    version: u64,
    targets: BTreeMap<Target, Tracked>,
}

/// At most so long until the clock is looked at again: it may jump.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Publisher {
    /// `targets` with the type of their resources and what is recalled of them.
    pub fn new(
        settings: Settings,
        history: History,
        targets: impl IntoIterator<Item = (Target, String, Recalled)>,
    ) -> Self {
        let tracked = |(target, kind, recalled): (Target, String, Recalled)| {
            (target.clone(), Tracked::new(target, kind, recalled, &settings.options))
        };
        let targets = targets.into_iter().map(tracked).collect();
        Self { settings, history, version: 0, targets }
    }

    /// What is to be seen now. Only targets in which something is new are judged and rendered.
    pub fn publish(&mut self, now: Timestamp) -> Arc<Published> {
        self.version += 1;
        let mut room = Room::new(&self.settings.options);
        let shown = self
            .targets
            .iter_mut()
            .map(|(target, tracked)| (target.clone(), tracked.show(&mut room, &self.settings, now)));
        let targets = shown.collect();
        Arc::new(Published { version: self.version, at: now, targets })
    }

    /// Takes outcomes until there are no more senders or it is stopped.
    pub async fn run(
        mut self,
        mut outcomes: mpsc::Receiver<Outcome>,
        published: watch::Sender<Arc<Published>>,
        stop: CancellationToken,
    ) {
        loop {
            let nap = self.nap(now());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(nap) => if self.nap(now()) > Duration::ZERO { continue },
                outcome = outcomes.recv() => match outcome {
                    Some(outcome) => self.absorb(&outcome).await,
                    None => return,
                },
            }
            published.send_replace(self.publish(now()));
        }
    }

    /// Advances the outcome's target, and stores what it brought.
    pub async fn absorb(&mut self, outcome: &Outcome) {
        let Some(tracked) = self.targets.get_mut(&outcome.target) else { return };
        let step = tracked.advance(outcome, &self.settings.options);
        tell(outcome, step.as_ref().map_or(0, |step| step.changes.len()));
        if let Some(step) = step {
            self.history.commit(step).await;
        }
    }

    /// How long nothing changes by the clock alone.
    fn nap(&self, now: Timestamp) -> Duration {
        let due = self.targets.values().filter_map(Tracked::due).min();
        let wait = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        wait.map_or(LONGEST_NAP, |wait| wait.min(LONGEST_NAP))
    }
}

fn tell(outcome: &Outcome, changes: usize) {
    let Outcome { target, took, .. } = outcome;
    match &outcome.listed {
        Ok(listing) => {
            let resources = listing.resources.len();
            tracing::info!(%target, resources, changes, ?took, "collected");
        }
        Err(failure) => {
            tracing::warn!(%target, reason = failure.reason, ?took, "collection failed: {}", failure.message);
        }
    }
}

/// The time, to the millisecond: what is told can be asked for again.
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSet};

    use super::*;
    use crate::exposition::{Blocks, Options, Plain};
    use crate::instruments::Instruments;
    use crate::inventory::{Failure, Listing, Resource, Tags, tags_of};
    use crate::policy::{RequiredTag, Rules, State};

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
        let settings = Settings { rules, options, max_staleness: 60 * MINUTE };
        let history = History::in_memory(Instruments::new().unwrap()).unwrap();
        let targets = regions.map(|region| (target(region), "TYPE".to_owned(), Recalled::default()));
        Publisher::new(settings, history, targets)
    }

    fn target(region: &str) -> Target {
        Target::new("a", region, "hbase")
    }

    fn resource(id: &str, tags: Tags) -> Resource {
        Resource {
            id: id.into(),
            name: "".into(),
            resource_group_id: "".into(),
            status: "".into(),
            created_at: Some(at("03:00:00")),
            tags,
            system_tags: Tags::default(),
        }
    }

    fn outcome(region: &str, time: &str, listed: Result<Arc<[Resource]>, Failure>) -> Outcome {
        let listed = listed.map(|resources| Listing { resources, count_mismatch: false });
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
        let failure = Failure { reason: "throttled", message: String::new() };
        publisher.absorb(&outcome("r1", "03:02:00", Err(failure))).await;
        let mut shown = |time| Arc::clone(&publisher.publish(at(time)).targets[&target("r1")]);
        assert_eq!(shown("03:02:00").judgement.verdicts[0].state, State::Pending);
        assert_eq!(shown("03:10:00").judgement.verdicts[0].state, State::Violating);
        assert!(shown("04:01:00").known.is_some());
        assert!(shown("04:01:01").known.is_none());
        assert_eq!(publisher.nap(at("04:01:01")), LONGEST_NAP);
    }

    #[tokio::test]
    async fn it_naps_until_the_first_moment_at_which_the_clock_changes_something() {
        let mut publisher = publisher(["r1"], 100);
        publisher.absorb(&outcome("r1", "03:01:00", Ok(untagged("hb-1")))).await;
        publisher.publish(at("03:09:30"));
        assert_eq!(publisher.nap(at("03:09:30")), MINUTE / 2);
    }
}
