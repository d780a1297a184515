//! The state of one target between publications, and the form in which it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use globset::GlobSet;
use jiff::Timestamp;

use super::published::Arranged;
use crate::inventory::diff::{self, Change, ChangeKind, dated};
use crate::inventory::{Inventory, Known, Outcome, Resource, Status, Target, split_again};
use crate::policy::{self, Judgement, Rules};
use crate::publication::exposition::{self, Block, Blocks, Counters, Cut, Options, Press, Room, TargetView};
use crate::publication::history::{Notes, Recalled, Step, Stored};

/// The settings for judging and rendering.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub rules: Rules,
    pub options: Options,
    pub max_staleness: Duration,
    /// Keys of system tags.
    pub system_keys: Arc<GlobSet>,
    /// The type of the resources of each product.
    pub resource_types: BTreeMap<Arc<str>, Arc<str>>,
}

/// One target in the form in which it is shown.
#[derive(Debug, Default)]
pub struct Shown {
    pub resource_type: Arc<str>,
    pub status: Status,
    pub inventory: Inventory,
    /// The visible resources: `None` before the first success, and when they are too old.
    pub known: Option<Known>,
    pub judgement: Arc<Judgement>,
    /// Blocks of [`exposition::SUBJECT`].
    pub subject: Arc<Blocks>,
    /// Blocks of [`exposition::STATUS`].
    pub statuses: Blocks,
}

impl Shown {
    /// The block of a family, counted through [`exposition::SUBJECT`] and then [`exposition::STATUS`], if it has
    /// samples.
    pub fn block(&self, family: usize) -> Option<&Block> {
        let block = self.subject.iter().chain(&self.statuses).nth(family);
        block.filter(|block| !block.is_empty())
    }

    /// The visible resources, each with its verdict.
    pub fn judged(&self) -> impl Iterator<Item = (&Resource, &policy::Verdict)> {
        resources_of(self.known.as_ref()).iter().zip(&self.judgement.verdicts)
    }
}

/// What the publisher knows of one target.
pub(super) struct Tracked {
    target: Target,
    pub inventory: Inventory,
    counters: Counters,
    tags_changed_at: BTreeMap<Arc<str>, Timestamp>,
    /// The basis of the known listing.
    basis: Option<u64>,
    /// The settings of the next listing.
    arranged: Arranged,
    /// Series of the tall metric, before the cut.
    series: usize,
    cut: Cut,
    shown: Arc<Shown>,
    /// The time at which the shown state expires.
    due: Option<Timestamp>,
}

impl Tracked {
    /// A target with its stored state.
    pub fn new(target: Target, recalled: Recalled, arranged: Arranged) -> Self {
        let Recalled { known, tally, tags_changed_at, notes: Notes { basis, doubts, .. } } = recalled;
        Self {
            target,
            series: 0,
            inventory: Inventory { known, last_attempt: None, doubts },
            counters: Counters { changes: tally, ..Counters::default() },
            tags_changed_at,
            basis,
            arranged,
            cut: Cut::default(),
            shown: Arc::default(),
            due: Some(Timestamp::MIN),
        }
    }

    /// Judges and renders by other settings from now on; what is known stays. Gives what is to be stored of a region
    /// that went missing, or is back.
    pub fn arrange(&mut self, arranged: Arranged, settings: &Settings) -> Option<Step> {
        self.arranged = arranged;
        if let Some(known) = &mut self.inventory.known {
            known.resources = split_again(&known.resources, &settings.system_keys);
        }
        self.series = exposition::series(&settings.options, resources_of(self.inventory.known.as_ref()));
        self.shown = Arc::default();
        self.due = Some(Timestamp::MIN);
        let doubted = &mut self.inventory.doubts.region_missing_since;
        if *doubted == arranged.region_missing_since {
            return None;
        }
        *doubted = arranged.region_missing_since;
        Some(self.step(None))
    }

    fn step(&self, stored: Option<Stored>) -> Step {
        let notes = Notes::of(self.basis, &self.inventory);
        Step { target: self.target.clone(), stored, tally: self.counters.changes, notes }
    }

    /// The next time at which the clock alone changes what is shown.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Applies the outcome of a collection and returns what to store.
    pub fn advance(&mut self, outcome: &Outcome, options: &Options) -> Option<Step> {
        let advanced = self.inventory.advance(outcome);
        let before = std::mem::replace(&mut self.inventory, advanced);
        let changes = self.changes(before.known.as_ref());
        let known = self.inventory.known.as_ref();
        if !same_resources(before.known.as_ref(), known) {
            self.series = exposition::series(options, resources_of(known));
        }
        self.count(&changes);
        self.date(&changes);
        self.due = Some(Timestamp::MIN);
        if self.inventory.failure().is_some() {
            let is_news = before.doubts != self.inventory.doubts;
            return is_news.then(|| self.step(None));
        }
        self.basis = Some(self.arranged.basis);
        let known = self.inventory.known.clone()?;
        Some(self.step(Some(Stored { before: before.known, known, changes })))
    }

    /// The changes since `before`. A listing with another basis is a baseline.
    fn changes(&self, before: Option<&Known>) -> Vec<Change> {
        let is_comparable = self.basis.is_none_or(|basis| basis == self.arranged.basis);
        match (before, &self.inventory.known) {
            (Some(old), Some(new)) if is_comparable => diff::changes(&self.target, old, new),
            _ => Vec::new(),
        }
    }

    fn count(&mut self, changes: &[Change]) {
        self.counters.collections += 1;
        if let Some(failure) = self.inventory.failure() {
            self.counters.failures[failure.reason as usize] += 1;
        }
        self.counters.changes.count(changes);
    }

    fn date(&mut self, changes: &[Change]) {
        self.tags_changed_at.extend(dated(changes).map(|(id, at)| (Arc::clone(id), at)));
        for change in changes.iter().filter(|change| change.kind == ChangeKind::ResourceDisappeared) {
            self.tags_changed_at.remove(&change.resource_id);
        }
    }

    /// The state as of the last refresh.
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// The cut for a refresh, if one is due at `now`.
    pub fn is_due(&self, room: &mut Room<'_>, settings: &Settings, now: Timestamp) -> Option<Cut> {
        let known = self.inventory.shown(now, settings.max_staleness);
        let series = if known.is_some() { self.series } else { 0 };
        let cut = room.cut(resources_of(known), series);
        (cut != self.cut || self.due.is_some_and(|due| due <= now)).then_some(cut)
    }

    /// Judges and renders the state at `now`.
    pub fn refresh(&mut self, cut: Cut, settings: &Settings, now: Timestamp, press: &mut Press) {
        let known = self.inventory.shown(now, settings.max_staleness).cloned();
        let judgement = self.judge(known.as_ref(), &settings.rules, now);
        let resource_type = settings.resource_types.get(&self.target.product).cloned().unwrap_or_default();
        let view = TargetView {
            target: &self.target,
            resource_type: &resource_type,
            inventory: &self.inventory,
            shown: known.as_ref(),
            judgement: &judgement,
            tags_changed_at: &self.tags_changed_at,
            counters: &self.counters,
            cut,
            options: &settings.options,
        };
        let is_new = cut != self.cut
            || self.shown.subject.is_empty()
            || judgement.verdicts != self.shown.judgement.verdicts
            || !same_resources(known.as_ref(), self.shown.known.as_ref());
        let subject = match is_new {
            true => Arc::new(exposition::render(exposition::SUBJECT, &view, press)),
            false => Arc::clone(&self.shown.subject),
        };
        let statuses = exposition::render(exposition::STATUS, &view, press);
        self.cut = cut;
        self.due = earliest(self.hidden_from(known.as_ref(), settings), judgement.next_change);
        self.shown = Arc::new(Shown {
            resource_type,
            status: self.inventory.status(now, settings.max_staleness),
            inventory: self.inventory.clone(),
            known,
            judgement,
            subject,
            statuses,
        });
    }

    /// The verdicts on `known`. The previous ones are reused if neither it nor the clock can have changed them.
    fn judge(&self, known: Option<&Known>, rules: &Rules, now: Timestamp) -> Arc<Judgement> {
        let before = &self.shown.judgement;
        let holds = before.next_change.is_none_or(|change| now < change);
        match holds && same_resources(known, self.shown.known.as_ref()) {
            true => Arc::clone(before),
            false => Arc::new(policy::judge(&self.target, resources_of(known), rules, now)),
        }
    }

    fn hidden_from(&self, known: Option<&Known>, settings: &Settings) -> Option<Timestamp> {
        let last = known?.hidden_after(settings.max_staleness);
        last.checked_add(Duration::from_millis(1)).ok()
    }
}

fn resources_of(known: Option<&Known>) -> &[Resource] {
    known.map_or(&[], |known| &known.resources)
}

/// Whether both are the same listing, or both absent. An unchanged listing shares the previous allocation.
fn same_resources(one: Option<&Known>, other: Option<&Known>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(&one.resources, &other.resources),
        (None, None) => true,
        _ => false,
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}
