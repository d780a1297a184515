//! Applies every event to its target and publishes the result. The only owner of what is known.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::exposition::{Cut, Press, Room};
use super::history::{History, Recalled, Step};
use crate::clock::{Heartbeat, now};
use crate::inventory::{Inventory, Outcome, Regions, Scope, Target};

mod published;
mod tracked;

pub use published::{Arranged, Arrangement, Event, Published};

use tracked::Tracked;
pub use tracked::{Settings, Shown};

pub struct Publisher {
    settings: Arc<Settings>,
    history: History,
    version: u64,
    arrangement: u64,
    targets: BTreeMap<Target, Tracked>,
    regions: BTreeMap<Scope, Regions>,
    was_complete: bool,
    account_ids: BTreeMap<Arc<str>, Arc<str>>,
    scopes: Arc<[Scope]>,
    /// Beats at least once in `MAX_NAP`, unless an event takes longer.
    pub heartbeat: Heartbeat,
}

/// Longest wait until the clock is checked again, because it may jump.
const MAX_NAP: Duration = Duration::from_secs(60);

/// Most events that are combined into one publication.
const MAX_AT_ONCE: usize = 64;

impl Publisher {
    /// Starts from what the history holds of the arranged targets.
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
            scopes: Arc::default(),
            heartbeat: Heartbeat::default(),
        };
        publisher.take(arrangement, recalled);
        publisher
    }

    /// The current state. Only targets with news are judged and rendered.
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
            scopes: Arc::clone(&self.scopes),
        })
    }

    /// Processes events until all senders are gone or it is stopped.
    pub async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        published: watch::Sender<Arc<Published>>,
        stop: CancellationToken,
    ) {
        let mut waiting = Vec::new();
        loop {
            self.heartbeat.beat();
            let nap = self.nap(now());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(nap) => if self.nap(now()) > Duration::ZERO { continue },
                // Takes every queued event at once, so that many targets share one publication.
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

    /// Applies another arrangement. Targets that remain keep everything; others disappear from every answer.
    pub async fn arrange(&mut self, arrangement: Arrangement) {
        let wanted: Vec<_> = arrangement.targets.keys().cloned().collect();
        let new = wanted.iter().filter(|target| !self.targets.contains_key(target)).cloned().collect();
        let recalled = self.history.arrange_later(wanted, new).await;
        for step in self.take(arrangement, recalled) {
            self.history.commit(step).await;
        }
    }

    /// Returns what to store: targets whose region went missing or came back.
    fn take(&mut self, arrangement: Arrangement, mut recalled: BTreeMap<Target, Recalled>) -> Vec<Step> {
        let Arrangement { number, settings, targets, regions, scopes } = arrangement;
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
        (self.settings, self.regions, self.scopes, self.arrangement) = (settings, regions, scopes, number);
        steps
    }

    /// Advances the outcome's target and stores the result. Returns the number of changes.
    pub async fn absorb(&mut self, outcome: &Outcome) -> usize {
        let Some(tracked) = self.targets.get_mut(&outcome.target) else { return 0 };
        let Some(step) = tracked.advance(outcome, &self.settings.options) else { return 0 };
        let changes = step.stored.as_ref().map_or(0, |stored| stored.changes.len());
        self.history.commit(step).await;
        changes
    }

    /// How long until the clock alone changes something.
    fn nap(&self, now: Timestamp) -> Duration {
        let due = self.targets.values().filter_map(Tracked::due).min();
        let wait = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        wait.map_or(MAX_NAP, |wait| wait.min(MAX_NAP))
    }
}

/// Refreshes the targets that are due, on all cores if there are several. Where the system gives no more threads, those
/// that are there do it all.
fn refresh(mut due: Vec<(Cut, &mut Tracked)>, settings: &Settings, now: Timestamp) {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let size = due.len().div_ceil(cores).max(1);
    let helpers = due.len().div_ceil(size).saturating_sub(1);
    let parts = Mutex::new(due.chunks_mut(size));
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut press = Press::default();
        while let Some(part) = next() {
            part.iter_mut().for_each(|(cut, tracked)| tracked.refresh(*cut, settings, now, &mut press));
        }
    };
    thread::scope(|scope| {
        let spawned = (0..helpers).map(|_| thread::Builder::new().spawn_scoped(scope, work));
        let _ = spawned.take_while(Result::is_ok).count();
        work();
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
