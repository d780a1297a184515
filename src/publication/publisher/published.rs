//! What the publisher is told, and what it publishes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::tracked::{Settings, Shown};
use crate::inventory::{Outcome, Regions, Resource, Scope, Target, TargetFilter};

/// Everything visible from outside at one moment, and the base of the next collections. Immutable.
#[derive(Debug, Clone)]
pub struct Published {
    /// Grows with each publication.
    pub version: u64,
    pub at: Timestamp,
    pub targets: BTreeMap<Target, Arc<Shown>>,
    /// The regions of each scope whose regions are discovered.
    pub regions: BTreeMap<Scope, Regions>,
    /// The number of the current arrangement.
    pub arrangement: u64,
    /// Whether all regions were once known and every target collected or failed. Never becomes false again.
    pub was_complete: bool,
    /// The cloud's id of each account, where it is known.
    pub account_ids: BTreeMap<Arc<str>, Arc<str>>,
    /// Each account and product of the configuration, also those of other shards.
    pub scopes: Arc<[Scope]>,
}

impl Published {
    /// The last successful listing of a target, the base of the next one. Empty before the first.
    pub fn resources(&self, target: &Target) -> Arc<[Resource]> {
        let shown = self.targets.get(target);
        let known = shown.and_then(|shown| shown.inventory.known.as_ref());
        known.map_or_else(|| [].into(), |known| Arc::clone(&known.resources))
    }

    /// Whether the configuration has an account and a product of these names.
    pub fn names(&self, filter: &TargetFilter) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        self.scopes.iter().any(|scope| is(&filter.account, &scope.account))
            && self.scopes.iter().any(|scope| is(&filter.product, &scope.product))
    }

    /// The end of a target's last collection; `None` if there was none or the target is unknown.
    pub fn last_attempt(&self, target: &Target) -> Option<Timestamp> {
        Some(self.targets.get(target)?.inventory.last_attempt.as_ref()?.ended)
    }
}

/// The input of the publisher.
#[derive(Debug)]
pub enum Event {
    Outcome(Outcome),
    Arrange(Arrangement),
    /// The cloud's id of an account; `None` removes it until it is looked up again.
    AccountId {
        account: Arc<str>,
        id: Option<Arc<str>>,
    },
}

/// The targets, regions and settings that apply from now on.
#[derive(Debug)]
pub struct Arrangement {
    /// Increases with each arrangement.
    pub number: u64,
    pub settings: Arc<Settings>,
    /// Other targets disappear from every answer; that counts as no change.
    pub targets: BTreeMap<Target, Arranged>,
    pub regions: BTreeMap<Scope, Regions>,
    pub scopes: Arc<[Scope]>,
}

/// How one target is to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arranged {
    /// Stands for the source of the tags and the description of the product: another one makes the next listing a
    /// baseline.
    pub basis: u64,
    pub region_missing_since: Option<Timestamp>,
}
