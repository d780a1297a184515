//! Takes every event, advances one target, and publishes the whole: nobody else keeps or changes what is known.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::exposition::{Cut, Press, Room};
use super::history::{History, Recalled, Step};
use crate::clock::now;
use crate::inventory::{Inventory, Outcome, Regions, Resource, Scope, Target};

mod tracked;

use tracked::Tracked;
pub use tracked::{Settings, Shown};

/// All that can be seen from outside at one moment, and what the next collections begin with. Immutable.
#[derive(Debug, Clone)]
pub struct Published {
    /// Grows with each publication.
    pub version: u64,
    pub at: Timestamp,
    pub targets: BTreeMap<Target, Arc<Shown>>,
    /// The regions of each scope whose regions are discovered.
    pub regions: BTreeMap<Scope, Regions>,
    /// The number of the arrangement that holds.
    pub arrangement: u64,
    /// Whether the regions were known, and every target had been collected or had failed, at one time. It stays so.
    pub was_complete: bool,
    /// The cloud's id of each account, where it is known.
    pub account_ids: BTreeMap<Arc<str>, Arc<str>>,
}

impl Published {
    /// The last listing of a target that worked: what the next one is compared with. Empty before the first.
    pub fn resources(&self, target: &Target) -> Arc<[Resource]> {
        let shown = self.targets.get(target);
        let known = shown.and_then(|shown| shown.inventory.known.as_ref());
        known.map_or_else(|| [].into(), |known| Arc::clone(&known.resources))
    }

    /// The end of a target's last collection; `None` where there was none, or the target is not known.
    pub fn last_attempt(&self, target: &Target) -> Option<Timestamp> {
        Some(self.targets.get(target)?.inventory.last_attempt.as_ref()?.ended)
    }
}

/// What the publisher is told.
#[derive(Debug)]
pub enum Event {
    Outcome(Outcome),
    Arrange(Arrangement),
    /// The cloud's id of an account; `None` when it is to be learnt anew.
    AccountId {
        account: Arc<str>,
        id: Option<Arc<str>>,
    },
}

/// What is to be known and shown from now on.
#[derive(Debug)]
pub struct Arrangement {
    /// Grows with each.
    pub number: u64,
    pub settings: Arc<Settings>,
    /// Others leave every answer, and that is no change.
    pub targets: BTreeMap<Target, Arranged>,
    pub regions: BTreeMap<Scope, Regions>,
}

/// How one target is to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arranged {
    /// Stands for the source of the tags and the description of the product: another one makes the next listing a
    /// baseline.
    pub basis: u64,
    pub region_missing_since: Option<Timestamp>,
}

pub struct Publisher {
    settings: Arc<Settings>,
    history: History,
    version: u64,
    arrangement: u64,
    targets: BTreeMap<Target, Tracked>,
    regions: BTreeMap<Scope, Regions>,
    was_complete: bool,
    account_ids: BTreeMap<Arc<str>, Arc<str>>,
}

/// At most so long until the clock is looked at again: it may jump.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// Events that one publication takes in.
const MAX_AT_ONCE: usize = 64;

impl Publisher {
    /// Begins with what the history has of the arranged targets.
    pub fn new(history: History, arrangement: Arrangement) -> Self {
        let targets: Vec<_> = arrangement.targets.keys().cloned().collect();
        let recalled = history.arrange(&targets, &targets);
        let mut publisher = Self {
            settings: Arc::clone(&arrangement.settings),
            history,
            version: 0,
            arrangement: 0,
            targets: BTreeMap::new(),
            regions: BTreeMap::new(),
            was_complete: false,
            account_ids: BTreeMap::new(),
        };
        publisher.take(arrangement, recalled);
        publisher
    }

    /// What is to be seen now. Only targets in which something is new are judged and rendered.
    pub fn publish(&mut self, now: Timestamp) -> Arc<Published> {
        self.version += 1;
        let mut room = Room::new(&self.settings.options);
        let settings = &*self.settings;
        let tracked = self.targets.values_mut();
        let due = tracked.filter_map(|one| Some((one.is_due(&mut room, settings, now)?, one)));
        refresh(due.collect(), settings, now);
        let shown = self.targets.iter().map(|(target, tracked)| (target.clone(), tracked.shown()));
        let targets: BTreeMap<_, Arc<Shown>> = shown.collect();
        let all_attempted = || targets.values().all(|shown| shown.inventory.was_attempted());
        self.was_complete |= self.regions.values().all(|regions| regions.is_answered) && all_attempted();
        Arc::new(Published {
            version: self.version,
            at: now,
            targets,
            regions: self.regions.clone(),
            arrangement: self.arrangement,
            was_complete: self.was_complete,
            account_ids: self.account_ids.clone(),
        })
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
                received = events.recv_many(&mut waiting, MAX_AT_ONCE) => if received == 0 { return },
            }
            for event in waiting.drain(..) {
                self.take_in(event).await;
            }
            published.send_replace(self.publish(now()));
        }
    }

    async fn take_in(&mut self, event: Event) {
        match event {
            Event::Outcome(outcome) => {
                let changes = self.absorb(&outcome).await;
                let tracked = self.targets.get(&outcome.target);
                tracked.inspect(|tracked| log(&outcome, &tracked.inventory, changes));
            }
            Event::Arrange(arrangement) => self.arrange(arrangement).await,
            Event::AccountId { account, id: Some(id) } => _ = self.account_ids.insert(account, id),
            Event::AccountId { account, id: None } => _ = self.account_ids.remove(&account),
        }
    }

    /// Takes another arrangement. Of targets that stay nothing is lost; others leave every answer.
    pub async fn arrange(&mut self, arrangement: Arrangement) {
        let wanted: Vec<_> = arrangement.targets.keys().cloned().collect();
        let new = wanted.iter().filter(|target| !self.targets.contains_key(target)).cloned().collect();
        let recalled = self.history.arrange_later(wanted, new).await;
        for step in self.take(arrangement, recalled) {
            self.history.commit(step).await;
        }
    }

    /// What is to be stored of it: targets whose region went missing, or is back.
    fn take(&mut self, arrangement: Arrangement, mut recalled: BTreeMap<Target, Recalled>) -> Vec<Step> {
        let Arrangement { number, settings, targets, regions } = arrangement;
        let mut before = std::mem::take(&mut self.targets);
        let mut steps = Vec::new();
        for (target, arranged) in targets {
            let mut tracked = before.remove(&target).unwrap_or_else(|| {
                let recalled = recalled.remove(&target).unwrap_or_default();
                Tracked::new(target.clone(), recalled, arranged)
            });
            steps.extend(tracked.arrange(arranged, &settings));
            self.targets.insert(target, tracked);
        }
        (self.settings, self.regions, self.arrangement) = (settings, regions, number);
        steps
    }

    /// Advances the outcome's target, and stores what it brought. Gives the number of changes.
    pub async fn absorb(&mut self, outcome: &Outcome) -> usize {
        let Some(tracked) = self.targets.get_mut(&outcome.target) else { return 0 };
        let Some(step) = tracked.advance(outcome, &self.settings.options) else { return 0 };
        let changes = step.stored.as_ref().map_or(0, |stored| stored.changes.len());
        self.history.commit(step).await;
        changes
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

fn log(Outcome { target, took, .. }: &Outcome, inventory: &Inventory, changes: usize) {
    if let Some(failure) = inventory.failure() {
        tracing::warn!(%target, reason = failure.reason.name(), ?took, "collection failed: {}", failure.message);
    } else if let Some(known) = &inventory.known {
        tracing::info!(%target, resources = known.resources.len(), changes, ?took, "collected");
    }
}

#[cfg(test)]
mod tests;
