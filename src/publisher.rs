//! Takes every collection's outcome, advances one target, and publishes the whole: nobody else changes what is
//! known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::diff::{self, Change, ChangeKind};
use crate::exposition::{self, Blocks, Counters, Cut, Options, TargetView};
use crate::history::History;
use crate::instruments::Instruments;
use crate::inventory::{Inventory, Known, Outcome, REASONS, Status, Target};
use crate::policy::{self, Judgement, Rules};

/// All that can be seen from outside at one moment. Immutable.
#[derive(Debug, Clone)]
pub struct Published {
    /// Grows with each publication.
    pub version: u64,
    pub at: Timestamp,
    pub targets: BTreeMap<Target, Arc<Shown>>,
}

/// One target as it is shown.
#[derive(Debug)]
pub struct Shown {
    pub resource_type: String,
    pub status: Status,
    pub inventory: Inventory,
    /// The resources that may be seen: `None` before the first success, and when they are too old.
    pub known: Option<Known>,
    pub judgement: Judgement,
    /// Blocks of [`exposition::SUBJECT`], then of [`exposition::STATUS`].
    pub subject: Arc<Blocks>,
    pub statuses: Blocks,
}

impl Published {
    /// Whether every target has been collected, or has failed, at least once.
    pub fn is_complete(&self) -> bool {
        self.targets.values().all(|shown| shown.inventory.last_attempt.is_some())
    }
}

/// What the publisher judges and renders by.
pub struct Settings {
    pub rules: Rules,
    pub options: Options,
    pub max_staleness: Duration,
}

pub struct Publisher {
    settings: Settings,
    history: History,
    instruments: Instruments,
    version: u64,
    targets: BTreeMap<Target, Tracked>,
}

/// One target between two publications.
struct Tracked {
    resource_type: String,
    inventory: Inventory,
    counters: Counters,
    tags_changed_at: BTreeMap<Arc<str>, Timestamp>,
    judgement: Judgement,
    cut: Cut,
    /// Whether the resources were shown when the blocks were rendered.
    was_shown: bool,
    subject: Arc<Blocks>,
}

/// At most so long until the clock is looked at again: it may jump.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Publisher {
    /// `targets` with the type of their resources.
    pub fn new(
        settings: Settings,
        history: History,
        instruments: Instruments,
        targets: impl IntoIterator<Item = (Target, String)>,
    ) -> Self {
        let targets = targets.into_iter().map(|(target, kind)| (target, Tracked::new(kind))).collect();
        Self { settings, history, instruments, version: 0, targets }
    }

    /// What is to be seen now; judged again and rendered where it changed.
    pub fn publish(&mut self, now: Timestamp) -> Arc<Published> {
        self.version += 1;
        let Self { settings, targets, .. } = self;
        let resources = targets.values().map(|tracked| {
            let known = tracked.shown(now, settings.max_staleness);
            known.map_or(&[][..], |known| &known.resources)
        });
        let cuts = exposition::cuts(&settings.options, resources);
        let refreshed = targets.iter_mut().zip(cuts).map(|((target, tracked), cut)| {
            (target.clone(), Arc::new(tracked.refresh(target, cut, settings, now)))
        });
        let targets = refreshed.collect();
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
                    Some(outcome) => self.absorb(&outcome),
                    None => return,
                },
            }
            published.send_replace(self.publish(now()));
        }
    }

    /// Advances the outcome's target and logs what changed.
    pub fn absorb(&mut self, outcome: &Outcome) {
        let Some(tracked) = self.targets.get_mut(&outcome.target) else { return };
        let changes = tracked.advance(outcome);
        tell(outcome, &changes);
        if let Err(error) = self.history.append(&changes) {
            self.instruments.history_failed("write");
            tracing::error!(%error, "could not write the change log");
        }
    }

    /// How long nothing changes by the clock alone.
    fn nap(&self, now: Timestamp) -> Duration {
        let staleness = self.settings.max_staleness;
        let moments = self.targets.values().flat_map(|tracked| {
            let hidden = tracked.shown(now, staleness).map(|known| known.hidden_after(staleness));
            let just_after = hidden.and_then(|at| at.saturating_add(Duration::from_millis(1)).ok());
            let unseen = tracked.was_shown && hidden.is_none();
            [just_after, tracked.judgement.next_change, unseen.then_some(now)]
        });
        let until = moments.flatten().min().map(|at| at.duration_since(now));
        until.map_or(LONGEST_NAP, |wait| Duration::try_from(wait).unwrap_or_default().min(LONGEST_NAP))
    }
}

impl Tracked {
    fn new(resource_type: String) -> Self {
        Self {
            resource_type,
            inventory: Inventory::default(),
            counters: Counters::default(),
            tags_changed_at: BTreeMap::new(),
            judgement: Judgement::default(),
            cut: Cut { resources: 0, dropped: 0 },
            was_shown: false,
            subject: Arc::default(),
        }
    }

    fn shown(&self, now: Timestamp, max_staleness: Duration) -> Option<&Known> {
        self.inventory.shown(now, max_staleness)
    }

    fn advance(&mut self, outcome: &Outcome) -> Vec<Change> {
        let before = std::mem::take(&mut self.inventory);
        self.inventory = before.advance(outcome);
        let changes = match (&before.known, &self.inventory.known) {
            (Some(old), Some(new)) => diff::changes(&outcome.target, old, new),
            _ => Vec::new(),
        };
        self.counters.collections += 1;
        if let Err(failure) = &outcome.listed
            && let Some(at) = REASONS.iter().position(|reason| *reason == failure.reason)
        {
            self.counters.failures[at] += 1;
        }
        self.counters.changes.count(&changes);
        let of_tags = changes.iter().filter(|change| change.kind.is_of_a_tag());
        self.tags_changed_at.extend(of_tags.map(|change| (Arc::clone(&change.resource_id), change.at)));
        for gone in changes.iter().filter(|change| change.kind == ChangeKind::ResourceDisappeared) {
            self.tags_changed_at.remove(&gone.resource_id);
        }
        let same = before.known.zip(self.inventory.known.as_ref());
        if !same.is_some_and(|(old, new)| Arc::ptr_eq(&old.resources, &new.resources)) {
            self.subject = Arc::default();
        }
        changes
    }

    /// Judges at `now`, and renders the blocks of the subject when something in them is new.
    fn refresh(&mut self, target: &Target, cut: Cut, settings: &Settings, now: Timestamp) -> Shown {
        let known = self.shown(now, settings.max_staleness).cloned();
        let resources = known.as_ref().map_or(&[][..], |known| &known.resources);
        let judgement = policy::judge(resources, &settings.rules, now);
        let same = self.judgement.verdicts == judgement.verdicts
            && self.was_shown == known.is_some()
            && self.cut == cut
            && !self.subject.is_empty();
        self.judgement = judgement;
        self.cut = cut;
        self.was_shown = known.is_some();
        let view = TargetView {
            target,
            resource_type: &self.resource_type,
            inventory: &self.inventory,
            shown: known.as_ref(),
            judgement: &self.judgement,
            tags_changed_at: &self.tags_changed_at,
            counters: &self.counters,
            cut,
            options: &settings.options,
        };
        let subject = if same {
            Arc::clone(&self.subject)
        } else {
            Arc::new(exposition::render(exposition::SUBJECT, &view))
        };
        let statuses = exposition::render(exposition::STATUS, &view);
        self.subject = Arc::clone(&subject);
        Shown {
            resource_type: self.resource_type.clone(),
            status: self.inventory.status(now, settings.max_staleness),
            inventory: self.inventory.clone(),
            known,
            judgement: self.judgement.clone(),
            subject,
            statuses,
        }
    }
}

fn tell(outcome: &Outcome, changes: &[Change]) {
    let Outcome { target, took, .. } = outcome;
    match &outcome.listed {
        Ok(listing) => {
            let (resources, changes) = (listing.resources.len(), changes.len());
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
