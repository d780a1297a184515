//! What is stored of a target, and what is read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::notes::Notes;
use crate::inventory::Known;
use crate::inventory::Target;
use crate::inventory::diff::{Change, Tally};

/// What to store after an outcome.
#[derive(Debug)]
pub struct Step {
    pub target: Target,
    /// `None` where the collection failed and only the notes changed.
    pub stored: Option<Stored>,
    /// All changes of the target so far, with these.
    pub tally: Tally,
    pub notes: Notes,
}

/// The result of a successful collection.
#[derive(Debug)]
pub struct Stored {
    /// What was known before: what the step before stored, or nothing.
    pub before: Option<Known>,
    pub known: Known,
    pub changes: Vec<Change>,
}

/// What was stored of one target.
#[derive(Debug, Default)]
pub struct Recalled {
    pub known: Option<Known>,
    pub tally: Tally,
    /// By resource id.
    pub tags_changed_at: BTreeMap<Arc<str>, Timestamp>,
    pub notes: Notes,
}

impl Recalled {
    /// Keeps the counters only.
    pub(super) fn forget_inventory(&mut self) {
        let Self { tally, .. } = *self;
        *self = Self { tally, ..Self::default() };
    }
}
