//! One target between two publications, and as it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::inventory::diff::{self, Change, ChangeKind};
use crate::inventory::{Inventory, Known, Outcome, REASONS, Resource, Status, Target};
use crate::policy::{self, Judgement, Rules};
use crate::publication::exposition::{self, Block, Blocks, Counters, Cut, Options, Press, Room, TargetView};
use crate::publication::history::{Recalled, Step};

/// What is judged and rendered by.
#[derive(Debug, Clone)]
pub struct Settings {
    pub rules: Rules,
    pub options: Options,
    pub max_staleness: Duration,
}

/// One target as it is shown.
#[derive(Debug)]
pub struct Shown {
    pub resource_type: String,
    pub status: Status,
    pub inventory: Inventory,
    /// The resources that may be seen: `None` before the first success, and when they are too old.
    pub known: Option<Known>,
    pub judgement: Arc<Judgement>,
    /// Blocks of [`exposition::SUBJECT`].
    pub subject: Arc<Blocks>,
    /// Blocks of [`exposition::STATUS`].
    pub statuses: Blocks,
}

impl Shown {
    /// Before the first look.
    fn nothing(resource_type: String) -> Self {
        Self {
            resource_type,
            status: Status::Pending,
            inventory: Inventory::default(),
            known: None,
            judgement: Arc::default(),
            subject: Arc::default(),
            statuses: Vec::new(),
        }
    }

    /// The block of a family, counted through [`exposition::SUBJECT`] and then [`exposition::STATUS`], if it has
    /// samples.
    pub fn block(&self, family: usize) -> Option<&Block> {
        let block = self.subject.iter().chain(&self.statuses).nth(family);
        block.filter(|block| !block.is_empty())
    }
}

/// What the publisher knows of one target.
pub(super) struct Tracked {
    target: Target,
    inventory: Inventory,
    counters: Counters,
    tags_changed_at: BTreeMap<Arc<str>, Timestamp>,
    /// Of the tall metric, were it not cut.
    series: usize,
    cut: Cut,
    shown: Arc<Shown>,
    /// From when on what is shown is not right any more.
    due: Option<Timestamp>,
}

impl Tracked {
    /// A target of which `recalled` is known.
    pub fn new(target: Target, resource_type: String, recalled: Recalled, options: &Options) -> Self {
        let Recalled { known, tally, tags_changed_at } = recalled;
        Self {
            target,
            series: exposition::series(options, resources_of(known.as_ref())),
            inventory: Inventory { known, last_attempt: None },
            counters: Counters { changes: tally, ..Counters::default() },
            tags_changed_at,
            cut: Cut::default(),
            shown: Arc::new(Shown::nothing(resource_type)),
            due: Some(Timestamp::MIN),
        }
    }

    /// Judges and renders by other settings from now on; what is known stays. `resource_type` where that is told anew.
    pub fn arrange(&mut self, resource_type: Option<String>, options: &Options) {
        let resource_type = resource_type.unwrap_or_else(|| self.shown.resource_type.clone());
        self.series = exposition::series(options, resources_of(self.inventory.known.as_ref()));
        self.shown = Arc::new(Shown::nothing(resource_type));
        self.due = Some(Timestamp::MIN);
    }

    /// The last listing that worked.
    pub fn resources(&self) -> Option<Arc<[Resource]>> {
        Some(Arc::clone(&self.inventory.known.as_ref()?.resources))
    }

    /// The first moment at which the clock alone changes what is shown.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Takes the outcome of a collection, and gives what is to be stored; a failure brings nothing.
    pub fn advance(&mut self, outcome: &Outcome, options: &Options) -> Option<Step> {
        let advanced = self.inventory.advance(outcome);
        let before = std::mem::replace(&mut self.inventory, advanced).known;
        let changes = match (&before, &self.inventory.known) {
            (Some(old), Some(new)) => diff::changes(&self.target, old, new),
            _ => Vec::new(),
        };
        if !same_resources(before.as_ref(), self.inventory.known.as_ref()) {
            let known = self.inventory.known.as_ref();
            self.series = exposition::series(options, resources_of(known));
        }
        self.count(outcome, &changes);
        self.date(&changes);
        self.due = Some(Timestamp::MIN);
        outcome.listed.as_ref().ok()?;
        let (target, known) = (self.target.clone(), self.inventory.known.clone()?);
        Some(Step { target, before, known, changes, tally: self.counters.changes })
    }

    fn count(&mut self, outcome: &Outcome, changes: &[Change]) {
        self.counters.collections += 1;
        if let Err(failure) = &outcome.listed
            && let Some(at) = REASONS.iter().position(|reason| *reason == failure.reason)
        {
            self.counters.failures[at] += 1;
        }
        self.counters.changes.count(changes);
    }

    fn date(&mut self, changes: &[Change]) {
        for Change { resource_id, at, kind, .. } in changes {
            if kind.is_of_a_tag() {
                self.tags_changed_at.insert(Arc::clone(resource_id), *at);
            } else if *kind == ChangeKind::ResourceDisappeared {
                self.tags_changed_at.remove(resource_id);
            }
        }
    }

    /// As it was when it was refreshed.
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown)
    }

    /// The cut to refresh it with, when something in it is new at `now`.
    pub fn is_due(&self, room: &mut Room<'_>, settings: &Settings, now: Timestamp) -> Option<Cut> {
        let known = self.inventory.shown(now, settings.max_staleness);
        let series = if known.is_some() { self.series } else { 0 };
        let cut = room.cut(resources_of(known), series);
        (cut != self.cut || self.due.is_some_and(|due| due <= now)).then_some(cut)
    }

    /// Judges and renders what is to be seen at `now`.
    pub fn refresh(&mut self, cut: Cut, settings: &Settings, now: Timestamp, press: &mut Press) {
        let known = self.inventory.shown(now, settings.max_staleness).cloned();
        let judgement = self.judge(known.as_ref(), &settings.rules, now);
        let view = TargetView {
            target: &self.target,
            resource_type: &self.shown.resource_type,
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
            resource_type: self.shown.resource_type.clone(),
            status: self.inventory.status(now, settings.max_staleness),
            inventory: self.inventory.clone(),
            known,
            judgement,
            subject,
            statuses,
        });
    }

    /// The verdicts on what is `known`: those before, where neither it nor the clock can have changed them.
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

/// Whether both are the same listing, or none. A listing that says nothing new is the one before.
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
