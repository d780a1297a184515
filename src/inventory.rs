//! What is known of one target: its resources, and how the last collection went. Pure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub mod diff;
mod interner;
mod keys;
pub mod shard;
mod tags;

pub use interner::Interner;
pub use keys::Keys;
#[cfg(test)]
pub use tags::tags_of;
pub use tags::{Pair, Tags};

/// The unit that is listed, fails, and goes stale on its own. Sorted by account, region, product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub account: Arc<str>,
    pub region_id: Arc<str>,
    pub product: Arc<str>,
}

impl Target {
    pub fn new(account: &str, region_id: &str, product: &str) -> Self {
        Self { account: account.into(), region_id: region_id.into(), product: product.into() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account, self.region_id, self.product)
    }
}

/// What targets are found for: the regions of one product in one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub account: Arc<str>,
    pub product: Arc<str>,
}

impl Scope {
    pub fn has(&self, target: &Target) -> bool {
        self.account == target.account && self.product == target.product
    }
}

/// One resource as the cloud tells it. A field that the cloud leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub resource_group_id: Arc<str>,
    pub status: Arc<str>,
    /// `None` where the cloud gives no moment that can be read.
    pub created_at: Option<Timestamp>,
    /// Without those whose keys are excluded.
    pub tags: Tags,
    /// Those whose keys are excluded: the cloud's own.
    pub system_tags: Tags,
}

/// A complete listing of one target.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Sorted by id, each once.
    pub resources: Arc<[Resource]>,
    /// The cloud's count was another one than that of the ids it named.
    pub count_mismatch: bool,
}

/// Why a collection gave no listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// One of [`REASONS`].
    pub reason: &'static str,
    pub message: String,
}

/// Every `reason` of a failed collection.
pub const REASONS: [&str; 10] = [
    "credentials",
    "deadline",
    "denied",
    "inconsistent",
    "not_ready",
    "rejected",
    "throttled",
    "transport",
    "unavailable",
    "undecodable",
];

/// One collection of one target.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub target: Target,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub took: Duration,
    pub listed: Result<Listing, Failure>,
}

/// What is known of one target. It changes by [`Inventory::advance`] only.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The last listing that worked, and the base of the next diff; `None` before the first.
    pub known: Option<Known>,
    pub last_attempt: Option<Attempt>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Never collected.
    Pending,
    /// The last collection worked.
    Fresh,
    /// The last collection failed, older resources are served.
    Stale,
    /// The last collection failed, and there is nothing to serve.
    Failed,
}

impl Inventory {
    /// The inventory after `outcome`. A failure keeps the resources: it is no empty listing.
    pub fn advance(&self, outcome: &Outcome) -> Self {
        let (known, failure) = match &outcome.listed {
            Ok(listing) => (Some(Known::of(listing, outcome)), None),
            Err(failure) => (self.known.clone(), Some(failure.clone())),
        };
        let attempt = Attempt { ended: outcome.ended, took: outcome.took, failure };
        Self { known, last_attempt: Some(attempt) }
    }

    /// What may be shown at `now`: nothing when the last success is longer ago than `max_staleness`.
    pub fn shown(&self, now: Timestamp, max_staleness: Duration) -> Option<&Known> {
        let known = self.known.as_ref()?;
        (now <= known.hidden_after(max_staleness)).then_some(known)
    }

    pub fn status(&self, now: Timestamp, max_staleness: Duration) -> Status {
        let shown = self.shown(now, max_staleness).is_some();
        match &self.last_attempt {
            None if shown => Status::Stale,
            None => Status::Pending,
            Some(Attempt { failure: None, .. }) if shown => Status::Fresh,
            Some(_) if shown => Status::Stale,
            Some(_) => Status::Failed,
        }
    }
}

impl Known {
    fn of(listing: &Listing, outcome: &Outcome) -> Self {
        Self {
            resources: Arc::clone(&listing.resources),
            started: outcome.started,
            ended: outcome.ended,
            count_mismatch: listing.count_mismatch,
        }
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
        Ok(Listing { resources: Arc::new([]), count_mismatch: false })
    }

    fn failure() -> Result<Listing, Failure> {
        Err(Failure { reason: "throttled", message: String::new() })
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
