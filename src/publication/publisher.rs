//! Takes every collection's outcome, advances one target, and publishes the whole: nobody else changes what is
//! known.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::inventory::{Outcome, Resource, Scope, Target};
use crate::publication::exposition::{Cut, Press, Room};
use crate::publication::history::{History, Recalled};

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
    /// Whether the regions were known, and every target had been collected or had failed, at one time. It stays so.
    pub was_complete: bool,
    /// The cloud's id of each account, where it is known.
    pub account_ids: BTreeMap<Arc<str>, Arc<str>>,
}

/// What the publisher is told.
#[derive(Debug)]
pub enum Event {
    Outcome(Outcome),
    Found(Found),
    AccountId {
        account: Arc<str>,
        id: Arc<str>,
    },
    /// The answer is the last listing of each target that has one.
    Arrange(Arrangement, oneshot::Sender<Listings>),
}

/// By target.
pub type Listings = BTreeMap<Target, Arc<[Resource]>>;

/// Another configuration.
#[derive(Debug)]
pub struct Arrangement {
    pub settings: Settings,
    /// Those that are named, with the type of their resources.
    pub targets: BTreeMap<Target, String>,
    /// Scopes whose regions will be found; targets in them stay until then.
    pub awaited: Vec<Scope>,
}

/// The regions of a scope were found: what that changes.
#[derive(Debug)]
pub struct Found {
    pub scope: Scope,
    /// New targets, with the type of their resources and what is recalled of them.
    pub joined: Vec<(Target, String, Recalled)>,
    /// They leave every answer, and that is no change.
    pub left: Vec<Target>,
}

pub struct Publisher {
    settings: Settings,
    history: History,
    version: u64,
    targets: BTreeMap<Target, Tracked>,
    /// Scopes whose regions are not known yet.
    awaited: BTreeSet<Scope>,
    was_complete: bool,
    account_ids: BTreeMap<Arc<str>, Arc<str>>,
}

/// At most so long until the clock is looked at again: it may jump.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// Events that one publication takes in.
const MOST_AT_ONCE: usize = 64;

impl Publisher {
    /// `targets` with the type of their resources and what is recalled of them, and scopes whose regions will be
    /// found.
    pub fn new(
        settings: Settings,
        history: History,
        targets: impl IntoIterator<Item = (Target, String, Recalled)>,
        awaited: impl IntoIterator<Item = Scope>,
    ) -> Self {
        let mut publisher = Self {
            settings,
            history,
            version: 0,
            targets: BTreeMap::new(),
            awaited: awaited.into_iter().collect(),
            was_complete: false,
            account_ids: BTreeMap::new(),
        };
        publisher.join(targets);
        publisher
    }

    fn join(&mut self, targets: impl IntoIterator<Item = (Target, String, Recalled)>) {
        let options = &self.settings.options;
        let tracked = |(target, kind, recalled): (Target, String, Recalled)| {
            (target.clone(), Tracked::new(target, kind, recalled, options))
        };
        for (target, tracked) in targets.into_iter().map(tracked) {
            self.targets.entry(target).or_insert(tracked);
        }
    }

    /// What is to be seen now. Only targets in which something is new are judged and rendered.
    pub fn publish(&mut self, now: Timestamp) -> Arc<Published> {
        self.version += 1;
        let mut room = Room::new(&self.settings.options);
        let settings = &self.settings;
        let tracked = self.targets.values_mut();
        let due = tracked.filter_map(|one| Some((one.is_due(&mut room, settings, now)?, one)));
        refresh(due.collect(), settings, now);
        let shown = self.targets.iter().map(|(target, tracked)| (target.clone(), tracked.shown()));
        let targets: BTreeMap<_, Arc<Shown>> = shown.collect();
        let all_attempted = || targets.values().all(|shown| shown.inventory.last_attempt.is_some());
        self.was_complete |= self.awaited.is_empty() && all_attempted();
        let (was_complete, account_ids) = (self.was_complete, self.account_ids.clone());
        Arc::new(Published { version: self.version, at: now, targets, was_complete, account_ids })
    }

    /// Takes events until there are no more senders or it is stopped.
    pub async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        published: watch::Sender<Arc<Published>>,
        stop: CancellationToken,
    ) {
        let mut waiting = Vec::new();
        loop {
            let nap = self.nap(now());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(nap) => if self.nap(now()) > Duration::ZERO { continue },
                // All that wait, so that many targets do not each make a publication of their own.
                received = events.recv_many(&mut waiting, MOST_AT_ONCE) => if received == 0 { return },
            }
            for event in waiting.drain(..) {
                match event {
                    Event::Outcome(outcome) => self.absorb(&outcome).await,
                    Event::Found(found) => self.settle(found),
                    Event::AccountId { account, id } => _ = self.account_ids.insert(account, id),
                    Event::Arrange(arrangement, arranged) => {
                        let listings = self.arrange(arrangement).await;
                        // Who asked may look at once.
                        published.send_replace(self.publish(now()));
                        let _ = arranged.send(listings);
                    }
                }
            }
            published.send_replace(self.publish(now()));
        }
    }

    /// Takes another configuration. Of targets that stay nothing is lost; others leave every answer.
    async fn arrange(&mut self, arrangement: Arrangement) -> Listings {
        let Arrangement { settings, mut targets, awaited } = arrangement;
        self.settings = settings;
        // An account may have got other credentials.
        self.account_ids.clear();
        for (target, mut tracked) in std::mem::take(&mut self.targets) {
            let named = targets.remove(&target);
            if named.is_some() || awaited.iter().any(|scope| scope.has(&target)) {
                tracked.arrange(named, &self.settings.options);
                self.targets.insert(target, tracked);
            }
        }
        let (stay, new) = (self.targets.keys().cloned().collect(), targets.keys().cloned().collect());
        let mut recalled = self.history.arrange(stay, new).await;
        let joined = targets.into_iter().map(|(target, kind)| {
            let recalled = recalled.remove(&target).unwrap_or_default();
            (target, kind, recalled)
        });
        self.join(joined.collect::<Vec<_>>());
        self.awaited = awaited.into_iter().collect();
        let listings = self.targets.iter();
        listings.filter_map(|(target, tracked)| Some((target.clone(), tracked.resources()?))).collect()
    }

    fn settle(&mut self, Found { scope, joined, left }: Found) {
        self.awaited.remove(&scope);
        self.targets.retain(|target, _| !left.contains(target));
        self.join(joined);
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

/// Refreshes those that are due, on all cores when they are several.
fn refresh(mut due: Vec<(Cut, &mut Tracked)>, settings: &Settings, now: Timestamp) {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let size = due.len().div_ceil(cores).max(1);
    let mut parts = due.chunks_mut(size);
    let work = |part: &mut [(Cut, &mut Tracked)]| {
        let mut press = Press::default();
        part.iter_mut().for_each(|(cut, tracked)| tracked.refresh(*cut, settings, now, &mut press));
    };
    let Some(own) = parts.next() else { return };
    thread::scope(|scope| {
        parts.for_each(|part| drop(scope.spawn(move || work(part))));
        work(own);
    });
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

#[cfg(test)]
mod tests;
