//! What is known of one target: its resources, and how the last collection went. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub mod diff;
pub mod doubts;
mod failure;
mod interner;
mod keys;
pub mod regions;
mod resource;
pub mod shard;
mod tags;
mod target;
mod weigh;

pub use doubts::{CountDoubt, Doubts, Shrunk};
pub use failure::{Failure, Reason};
pub use interner::Interner;
pub use keys::Keys;
pub use regions::{Region, Regions};
pub use resource::{Resource, Unread, split_again};
#[cfg(test)]
pub use tags::tags_of;
pub use tags::{Pair, Tags};
pub use target::{Scope, Target, TargetFilter};

/// What one collection read of a target: evidence, which [`Inventory::advance`] weighs.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Sorted by id, each once.
    pub resources: Arc<[Resource]>,
    /// How many more resources the cloud counts than it lists; `None` where the API has no usable count.
    pub difference: Option<i64>,
    /// Known resources that a lookup proved gone.
    pub gone: BTreeSet<Arc<str>>,
    /// A second listing, as long as its count, lacks the same known resources.
    pub is_confirmed: bool,
    /// Listed resources whose tags could not be read.
    pub unreadable: BTreeSet<Arc<str>>,
}

/// One collection of one target.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub target: Target,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub took: Duration,
    pub listed: Result<Listing, Failure>,
}

/// What is known of one target. Changed only by [`Inventory::advance`].
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The last listing that worked, and the base of the next diff; `None` before the first.
    pub known: Option<Known>,
    pub last_attempt: Option<Attempt>,
    /// What the answers so far leave open.
    pub doubts: Doubts,
}

#[derive(Debug, Clone)]
pub struct Known {
    pub resources: Arc<[Resource]>,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub count_mismatch: bool,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub ended: Timestamp,
    pub took: Duration,
    pub failure: Option<Failure>,
}

/// `status` of a target in the JSON answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Never collected.
    #[default]
    Pending,
    /// The last collection worked.
    Fresh,
    /// The last collection failed, or the region is missing from the cloud's list; older resources are served.
    Stale,
    /// The last collection failed, and there is nothing to serve.
    Failed,
}

impl Inventory {
    /// The inventory after `outcome`. A failure, or a listing that cannot be believed yet, keeps the resources.
    pub fn advance(&self, outcome: &Outcome) -> Self {
        let (weighed, doubts) = match &outcome.listed {
            Ok(listing) => weigh::weigh(self, listing, outcome.ended),
            Err(failure) => (Err(failure.clone()), self.doubts.clone()),
        };
        let (known, failure) = match weighed {
            Ok(resources) => (Some(Known::of(resources, outcome)), None),
            Err(failure) => (self.known.clone(), Some(failure)),
        };
        let attempt = Attempt { ended: outcome.ended, took: outcome.took, failure };
        Self { known, last_attempt: Some(attempt), doubts }
    }

    /// Why the last collection failed.
    pub fn failure(&self) -> Option<&Failure> {
        self.last_attempt.as_ref()?.failure.as_ref()
    }

    /// What may be shown at `now`: nothing when the last success is longer ago than `max_staleness`.
    pub fn shown(&self, now: Timestamp, max_staleness: Duration) -> Option<&Known> {
        let known = self.known.as_ref()?;
        (now <= known.hidden_after(max_staleness)).then_some(known)
    }

    pub fn status(&self, now: Timestamp, max_staleness: Duration) -> Status {
        let shown = self.shown(now, max_staleness).is_some();
        match &self.last_attempt {
            _ if shown && !self.is_current() => Status::Stale,
            None => Status::Pending,
            Some(_) if shown => Status::Fresh,
            Some(_) => Status::Failed,
        }
    }

    /// Whether a collection has ended, or none is tried because the target's region is missing.
    pub fn was_attempted(&self) -> bool {
        self.last_attempt.is_some() || self.doubts.region_missing_since.is_some()
    }

    /// Whether what is known is what the last answers said: not after a failure or a restart, nor while the target's
    /// region is missing.
    pub fn is_current(&self) -> bool {
        let worked = self.last_attempt.as_ref().is_some_and(|attempt| attempt.failure.is_none());
        worked && self.doubts.region_missing_since.is_none()
    }
}

impl Known {
    fn of(resources: Arc<[Resource]>, outcome: &Outcome) -> Self {
        let difference = outcome.listed.as_ref().ok().and_then(|listing| listing.difference);
        let count_mismatch = difference.is_some_and(|difference| difference != 0);
        Self { resources, started: outcome.started, ended: outcome.ended, count_mismatch }
    }

    /// How many resources have tags that could not be read.
    pub fn unreadable(&self) -> usize {
        self.resources.iter().filter(|resource| resource.unread.is_some()).count()
    }

    /// The last moment at which these resources are shown without another success.
    pub fn hidden_after(&self, max_staleness: Duration) -> Timestamp {
        self.ended.saturating_add(max_staleness).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    fn outcome(ended: Timestamp, listed: Result<Listing, Failure>) -> Outcome {
        let target = Target::new("a", "r", "hbase");
        Outcome { target, started: ended, ended, took: Duration::ZERO, listed }
    }

    fn nothing_listed() -> Result<Listing, Failure> {
        Ok(Listing::default())
    }

    fn failure() -> Result<Listing, Failure> {
        Err(Failure { reason: Reason::Throttled, message: String::new() })
    }

    #[test]
    fn a_failure_keeps_what_was_known_and_makes_it_stale() {
        let first = Inventory::default().advance(&outcome(at("03:00:00"), nothing_listed()));
        assert_eq!(first.status(at("03:00:01"), DAY), Status::Fresh);
        let second = first.advance(&outcome(at("03:05:00"), failure()));
        assert_eq!(second.known.as_ref().unwrap().ended, at("03:00:00"));
        assert_eq!(second.status(at("03:05:01"), DAY), Status::Stale);
    }

    #[test]
    fn a_target_is_pending_until_its_first_collection_and_failed_when_that_fails() {
        let new = Inventory::default();
        assert_eq!(new.status(at("03:00:00"), DAY), Status::Pending);
        let failed = new.advance(&outcome(at("03:00:00"), failure()));
        assert_eq!(failed.status(at("03:00:01"), DAY), Status::Failed);
    }

    #[test]
    fn resources_are_hidden_after_the_longest_staleness_but_stay_the_base() {
        let hour = Duration::from_secs(3600);
        let stale = Inventory::default()
            .advance(&outcome(at("03:00:00"), nothing_listed()))
            .advance(&outcome(at("03:05:00"), failure()));
        assert!(stale.shown(at("04:00:00"), hour).is_some());
        assert!(stale.shown(at("04:00:01"), hour).is_none());
        assert_eq!(stale.status(at("04:00:01"), hour), Status::Failed);
        assert!(stale.known.is_some());
    }
}
