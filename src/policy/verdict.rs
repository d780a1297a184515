//! What is said of one resource.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

/// The state of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Compliant,
    Violating,
    /// It violates a rule, but is within its grace period.
    Pending,
    /// It violates rules, but exemptions cover every violation.
    Exempt,
    /// Its tags could not be read: it is judged by no rule, and counted in no state.
    Unknown,
}

impl State {
    /// Those that are counted.
    pub const ALL: [Self; 4] = [Self::Compliant, Self::Violating, Self::Pending, Self::Exempt];

    pub fn name(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Violating => "violating",
            Self::Pending => "pending",
            Self::Exempt => "exempt",
            Self::Unknown => "unknown",
        }
    }
}

/// How a rule is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Missing,
    Empty,
    InvalidValue,
    Forbidden,
    TooManyTags,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::InvalidValue => "invalid_value",
            Self::Forbidden => "forbidden",
            Self::TooManyTags => "too_many_tags",
        }
    }
}

/// A rule that a resource violates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule's key as written; [`EVERY_KEY`] for the maximum number of tags.
    pub key: Arc<str>,
    pub reason: Reason,
    /// A possible correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What suppresses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exempted>,
}

/// The exemption that suppresses a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exempted {
    pub reason: Arc<str>,
    /// Its last day, in UTC.
    pub until: Option<Date>,
}

/// The key of the rule on the number of tags.
pub const EVERY_KEY: &str = "*";

impl fmt::Display for Violation {
    /// For people: ``owner: missing, did you mean `Owner`?``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason.name().replace('_', " "))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, ", {hint}"))
    }
}

/// The judgement of one resource, and `compliance` of the JSON answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub state: State,
    /// In the order of the rules, with those that do not count: see [`Verdict::excuse`].
    pub violations: Vec<Violation>,
    /// When the grace period of a pending resource ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_until: Option<Timestamp>,
    /// The required keys that are asked of this resource, each once.
    #[serde(skip)]
    pub required: Arc<[Arc<str>]>,
}

impl Verdict {
    /// Of a resource whose tags could not be read.
    pub(super) fn unknown() -> Self {
        Self { state: State::Unknown, violations: Vec::new(), pending_until: None, required: Arc::default() }
    }

    /// Why a violation does not count, for people: `pending until 2026-11-24T04:00:00Z`.
    pub fn excuse(&self, violation: &Violation) -> Option<String> {
        if let Some(Exempted { reason, until }) = &violation.exemption {
            let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            return Some(format!("exempt{until}{reason}"));
        }
        self.pending_until.map(|end| format!("pending until {end}"))
    }

    /// The violations that count now.
    pub fn counting(&self) -> impl Iterator<Item = &Violation> {
        let counts = self.state == State::Violating;
        self.violations.iter().filter(move |violation| counts && violation.exemption.is_none())
    }
}

impl Violation {
    pub(super) fn of(key: &Arc<str>, reason: Reason) -> Self {
        Self { key: Arc::clone(key), reason, hint: None, exemption: None }
    }
}
