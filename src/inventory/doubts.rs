//! What the cloud's answers about a target leave open, each with the time at which it was first seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Published and stored with the target: a doubt survives a reload and a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubts {
    /// Ids that the last listing lacks although nothing proves them gone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<Arc<str>, Timestamp>,
    /// The cloud's list of regions lacks the target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_missing_since: Option<Timestamp>,
    /// The listings are shorter than the cloud's count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<CountDoubt>,
    /// The listings lost too much at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
}

/// Successive listings that are shorter than the cloud's count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountDoubt {
    /// The first of all.
    pub since: Timestamp,
    pub difference: i64,
    /// Stands for the ids of the last one.
    pub ids: u64,
    /// The first with these ids and this difference.
    pub same_since: Timestamp,
    /// How many have had these ids and this difference.
    pub readings: u32,
    /// The difference that was believed last: it is believed again.
    pub accepted: Option<i64>,
}

/// Successive listings that lost too much at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrunk {
    pub since: Timestamp,
    /// The last one that counted.
    pub last: Timestamp,
    /// How many have agreed with the first.
    pub agreed: u32,
}

impl Doubts {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether at least `wait` lies between two moments of the wall clock.
pub fn has_passed(wait: Duration, since: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|passed| passed >= wait)
}
