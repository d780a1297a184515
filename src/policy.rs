//! Which resources break the tagging rules, and until when that holds. Pure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::inventory::Resource;

/// What is asked of every resource.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub required_tags: Vec<RequiredTag>,
    /// From a resource's creation.
    pub grace_period: Duration,
}

/// A key that must be there, with a value that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredTag {
    pub key: Arc<str>,
}

/// The state of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Compliant,
    Violating,
    /// It breaks a rule, but its grace period lasts.
    Pending,
    /// It breaks a rule, and an exemption suppresses that.
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
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub key: Arc<str>,
    pub reason: Reason,
}

impl fmt::Display for Violation {
    /// For people: `owner: missing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason.name().replace('_', " "))
    }
}

/// The judgement of one resource, and `compliance` of the JSON answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub state: State,
    /// In the order of the rules; those of a pending resource are told but do not count yet.
    pub violations: Vec<Violation>,
    /// When the grace period of a pending resource ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_until: Option<Timestamp>,
    /// Whether the rules apply: they apply to every status but `DELETING`.
    #[serde(skip)]
    pub applies: bool,
}

impl Verdict {
    /// Why what it breaks does not count, for people: `pending until 2026-11-24T04:00:00Z`.
    pub fn excuse(&self) -> Option<String> {
        let state = match self.state {
            State::Compliant | State::Violating => return None,
            State::Pending | State::Exempt => self.state.name(),
        };
        let until = self.pending_until.map(|end| format!(" until {end}")).unwrap_or_default();
        Some(format!("{state}{until}"))
    }
}

/// The verdicts of a target's resources, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    pub verdicts: Vec<Verdict>,
    /// The first moment after which a verdict is another one, without any change of a resource.
    pub next_change: Option<Timestamp>,
}

/// The status of a resource that is on its way out.
const DELETING: &str = "DELETING";

/// Judges `resources` by `rules` at `now`.
pub fn judge(resources: &[Resource], rules: &Rules, now: Timestamp) -> Judgement {
    let verdicts: Vec<_> = resources.iter().map(|resource| verdict(resource, rules, now)).collect();
    let next_change = verdicts.iter().filter_map(|verdict| verdict.pending_until).min();
    Judgement { verdicts, next_change }
}

fn verdict(resource: &Resource, rules: &Rules, now: Timestamp) -> Verdict {
    let applies = &*resource.status != DELETING;
    let violations = if applies { violations(resource, rules) } else { Vec::new() };
    let pending_until = grace_end(resource, rules).filter(|end| now < *end && !violations.is_empty());
    let state = match (violations.is_empty(), pending_until) {
        (true, _) => State::Compliant,
        (false, Some(_)) => State::Pending,
        (false, None) => State::Violating,
    };
    Verdict { state, violations, pending_until, applies }
}

fn violations(resource: &Resource, rules: &Rules) -> Vec<Violation> {
    let broken = |rule: &RequiredTag| {
        let reason = match resource.tags.get(&rule.key) {
            None => Reason::Missing,
            Some("") => Reason::Empty,
            Some(_) => return None,
        };
        Some(Violation { key: Arc::clone(&rule.key), reason })
    };
    rules.required_tags.iter().filter_map(broken).collect()
}

/// Without a known creation time there is no grace.
fn grace_end(resource: &Resource, rules: &Rules) -> Option<Timestamp> {
    resource.created_at?.saturating_add(rules.grace_period).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Tags, tags_of};

    fn rules() -> Rules {
        let required_tags = ["owner", "负责人"].map(|key| RequiredTag { key: key.into() }).to_vec();
        Rules { required_tags, grace_period: Duration::from_secs(3600) }
    }

    fn resource(status: &str, created_at: Option<&str>, tags: Tags) -> Resource {
        Resource {
            id: "hb-1".into(),
            name: "".into(),
            resource_group_id: "".into(),
            status: status.into(),
            created_at: created_at.map(|at| at.parse().unwrap()),
            tags,
            system_tags: Tags::default(),
        }
    }

    fn judged(resource: Resource, now: &str) -> (Verdict, Option<Timestamp>) {
        let mut judgement = judge(&[resource], &rules(), now.parse().unwrap());
        (judgement.verdicts.remove(0), judgement.next_change)
    }

    const CREATED: Option<&str> = Some("2026-11-24T03:00:00Z");

    #[test]
    fn a_required_tag_must_be_there_and_have_a_value() {
        let tags = tags_of([("owner", ""), ("Owner", "x")]);
        let (verdict, _) = judged(resource("ACTIVATION", None, tags), "2026-11-24T03:00:00Z");
        assert_eq!(verdict.state, State::Violating);
        let reasons: Vec<_> = verdict.violations.iter().map(|v| (&*v.key, v.reason)).collect();
        assert_eq!(reasons, [("owner", Reason::Empty), ("负责人", Reason::Missing)]);
    }

    #[test]
    fn a_value_of_spaces_is_a_value() {
        let tags = tags_of([("owner", " "), ("负责人", "x")]);
        let (verdict, _) = judged(resource("ACTIVATION", None, tags), "2026-11-24T03:00:00Z");
        assert_eq!(verdict.state, State::Compliant);
    }

    #[test]
    fn the_grace_period_ends_by_itself_at_its_last_moment() {
        let new = || resource("CREATING", CREATED, Tags::default());
        let (verdict, next_change) = judged(new(), "2026-11-24T03:59:59Z");
        assert_eq!(verdict.state, State::Pending);
        assert_eq!(next_change, Some("2026-11-24T04:00:00Z".parse().unwrap()));
        assert_eq!(verdict.excuse().unwrap(), "pending until 2026-11-24T04:00:00Z");
        let (verdict, next_change) = judged(new(), "2026-11-24T04:00:00Z");
        assert_eq!((verdict.state, next_change), (State::Violating, None));
    }

    #[test]
    fn a_compliant_new_resource_is_compliant_at_once() {
        let tags = tags_of([("owner", "a"), ("负责人", "b")]);
        let (verdict, next_change) = judged(resource("CREATING", CREATED, tags), "2026-11-24T03:00:01Z");
        assert_eq!((verdict.state, next_change), (State::Compliant, None));
    }

    #[test]
    fn an_unknown_creation_time_gives_no_grace() {
        let (verdict, _) = judged(resource("CREATING", None, Tags::default()), "2026-11-24T03:00:00Z");
        assert_eq!(verdict.state, State::Violating);
    }

    #[test]
    fn the_rules_do_not_apply_to_a_resource_that_is_being_deleted() {
        let (verdict, _) = judged(resource("DELETING", None, Tags::default()), "2026-11-24T03:00:00Z");
        assert_eq!((verdict.state, verdict.applies), (State::Compliant, false));
    }
}
