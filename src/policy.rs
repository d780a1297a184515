//! Which resources break the tagging rules, and until when that holds. Pure.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::inventory::{Resource, Target};

mod hint;
mod rules;

pub use rules::{Exemption, ForbiddenTag, RequiredTag, Rules, Scope};

/// The state of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Compliant,
    Violating,
    /// It breaks a rule, but its grace period lasts.
    Pending,
    /// It breaks rules, and exemptions suppress all that.
    Exempt,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Compliant, Self::Violating, Self::Pending, Self::Exempt];

    pub fn name(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Violating => "violating",
            Self::Pending => "pending",
            Self::Exempt => "exempt",
        }
    }
}

/// How a rule is broken.
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

/// A rule that a resource breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule's key as it was written; [`EVERY_KEY`] for the greatest number of tags.
    pub key: Arc<str>,
    pub reason: Reason,
    /// What may have been meant.
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

/// The verdicts of a target's resources, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    pub verdicts: Vec<Verdict>,
    /// The first moment after which a verdict is another one, without any change of a resource.
    pub next_change: Option<Timestamp>,
}

/// Judges the `resources` of `target` by `rules` at `now`.
pub fn judge(target: &Target, resources: &[Resource], rules: &Rules, now: Timestamp) -> Judgement {
    let mut judge = Judge { target, rules, now, next_change: None, required: Arc::default() };
    let verdicts = resources.iter().map(|resource| judge.verdict(resource)).collect();
    Judgement { verdicts, next_change: judge.next_change }
}

struct Judge<'a> {
    target: &'a Target,
    rules: &'a Rules,
    now: Timestamp,
    next_change: Option<Timestamp>,
    /// Of the resource before: mostly the next one is asked for the same.
    required: Arc<[Arc<str>]>,
}

impl Judge<'_> {
    fn verdict(&mut self, resource: &Resource) -> Verdict {
        let mut violations = self.violations(resource);
        for violation in &mut violations {
            violation.exemption = self.exemption(resource, &violation.key);
        }
        let counting = violations.iter().any(|violation| violation.exemption.is_none());
        let pending_until = self.grace_end(resource).filter(|end| counting && self.now < *end);
        self.changes_at(pending_until);
        let state = match (violations.is_empty(), counting, pending_until) {
            (true, ..) => State::Compliant,
            (_, false, _) => State::Exempt,
            (_, true, Some(_)) => State::Pending,
            (_, true, None) => State::Violating,
        };
        violations.shrink_to_fit();
        Verdict { state, violations, pending_until, required: Arc::clone(&self.required) }
    }

    fn violations(&mut self, resource: &Resource) -> Vec<Violation> {
        let rules = self.rules;
        let mut required = Vec::new();
        let mut violations = Vec::new();
        for rule in &rules.required_tags {
            if required.contains(&&rule.key) || !rule.applies_to.holds(self.target, resource) {
                continue;
            }
            required.push(&rule.key);
            violations.extend(broken(rule, rules, resource));
        }
        if !required.iter().copied().eq(self.required.iter()) {
            self.required = required.into_iter().cloned().collect();
        }
        if !rules::is_deleting(resource) {
            for rule in rules.forbidden_tags.iter().filter(|rule| rule.is_broken_by(&resource.tags)) {
                let violation = Violation::of(&rule.written, Reason::Forbidden);
                if !violations.contains(&violation) {
                    violations.push(violation);
                }
            }
            if rules.max_tags.is_some_and(|most| resource.tags.len() > most) {
                violations.push(Violation::of(&EVERY_KEY.into(), Reason::TooManyTags));
            }
        }
        violations
    }

    /// The first exemption that holds now. Its end is a change.
    fn exemption(&mut self, resource: &Resource, key: &str) -> Option<Exempted> {
        let covers = |exemption: &&Exemption| {
            exemption.end().is_none_or(|end| self.now < end) && exemption.covers(self.target, resource, key)
        };
        let exemption = self.rules.exemptions.iter().find(covers)?;
        self.changes_at(exemption.end());
        Some(Exempted { reason: Arc::clone(&exemption.reason), until: exemption.until })
    }

    /// Without a known creation time there is no grace.
    fn grace_end(&self, resource: &Resource) -> Option<Timestamp> {
        resource.created_at?.saturating_add(self.rules.grace_period).ok()
    }

    fn changes_at(&mut self, moment: Option<Timestamp>) {
        self.next_change = self.next_change.into_iter().chain(moment).min();
    }
}

fn broken(rule: &RequiredTag, rules: &Rules, resource: &Resource) -> Option<Violation> {
    let reason = match rule.value(&resource.tags) {
        None => Reason::Missing,
        Some("") => Reason::Empty,
        Some(value) if !rule.allows(value) => Reason::InvalidValue,
        Some(_) => return None,
    };
    let mut violation = Violation::of(&rule.key, reason);
    if reason == Reason::Missing {
        violation.hint = hint::hint(rule, rules, &resource.tags);
    }
    Some(violation)
}

impl Violation {
    fn of(key: &Arc<str>, reason: Reason) -> Self {
        Self { key: Arc::clone(key), reason, hint: None, exemption: None }
    }
}
