//! Which resources break the tagging rules, and until when that holds. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use crate::inventory::{Resource, Target};

mod exemptions;
mod hint;
mod rules;
mod verdict;

pub use exemptions::{Exemption, Exemptions};
use hint::Hints;
pub use rules::{ForbiddenTag, RequiredTag, Rules, Scope};
pub use verdict::{EVERY_KEY, Exempted, Reason, State, Verdict, Violation};

/// The verdicts of a target's resources, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    pub verdicts: Vec<Verdict>,
    /// The first moment after which a verdict is another one, without any change of a resource.
    pub next_change: Option<Timestamp>,
}

/// Judges the `resources` of `target` by `rules` at `now`.
pub fn judge(target: &Target, resources: &[Resource], rules: &Rules, now: Timestamp) -> Judgement {
    let mut judge = Judge::new(target, rules, now);
    let verdicts = resources.iter().map(|resource| judge.verdict(resource)).collect();
    Judgement { verdicts, next_change: judge.next_change }
}

/// What of the rules matters for one target at one moment.
struct Judge<'a> {
    rules: &'a Rules,
    now: Timestamp,
    next_change: Option<Timestamp>,
    /// For each required key its rules, with their places among all.
    by_key: Vec<Vec<(usize, &'a RequiredTag)>>,
    /// The statuses of resources on their way out.
    leaving: &'a [String],
    /// For each exemption whether it covers the target and has not ended.
    holds_here: Vec<bool>,
    /// The places of the exemptions that the resource at hand may fall under.
    candidates: Vec<usize>,
    hints: Hints<'a>,
    /// The rules that count for the resource at hand.
    asked: Vec<(usize, &'a RequiredTag)>,
    /// Of the resource before: mostly the next one is asked for the same.
    required: Arc<[Arc<str>]>,
}

impl<'a> Judge<'a> {
    fn new(target: &Target, rules: &'a Rules, now: Timestamp) -> Self {
        let mut by_key = Vec::<Vec<(usize, &RequiredTag)>>::new();
        for rule in rules.required_tags.iter().enumerate().filter(|(_, rule)| rule.applies_to.covers(target))
        {
            match by_key.iter_mut().find(|same| same[0].1.key == rule.1.key) {
                Some(same) => same.push(rule),
                None => by_key.push(vec![rule]),
            }
        }
        let lasts = |exemption: &Exemption| exemption.end().is_none_or(|end| now < end);
        let holds_here = |exemption: &Exemption| lasts(exemption) && exemption.covers(target);
        Self {
            rules,
            now,
            next_change: None,
            by_key,
            leaving: rules.leaving.get(&target.product).map_or(&[], Vec::as_slice),
            holds_here: rules.exemptions.all().iter().map(holds_here).collect(),
            candidates: Vec::new(),
            hints: Hints::new(&rules.required_tags),
            asked: Vec::new(),
            required: Arc::default(),
        }
    }

    fn verdict(&mut self, resource: &'a Resource) -> Verdict {
        if resource.unread.is_some() {
            return Verdict::unknown();
        }
        let mut violations = self.missing_and_wrong(resource);
        if !self.is_leaving(resource) {
            self.add_unwanted(resource, &mut violations);
        }
        self.candidates.clear();
        if !violations.is_empty() {
            self.rules.exemptions.candidates(resource, &mut self.candidates);
        }
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

    /// Of each required key the first rule that applies counts.
    fn missing_and_wrong(&mut self, resource: &'a Resource) -> Vec<Violation> {
        let leaving = self.is_leaving(resource);
        let Self { by_key, hints, asked, required, .. } = self;
        let applies = |(_, rule): &&(usize, &RequiredTag)| rule.applies_to.holds(resource, leaving);
        asked.clear();
        asked.extend(by_key.iter().filter_map(|same| same.iter().find(applies)));
        if !asked.iter().map(|(_, rule)| &rule.key).eq(required.iter()) {
            *required = asked.iter().map(|(_, rule)| Arc::clone(&rule.key)).collect();
        }
        let mut violations = Vec::new();
        let mut near_misses = None;
        for (place, rule) in asked {
            let Some(reason) = broken(rule, resource) else { continue };
            let mut violation = Violation::of(&rule.key, reason);
            if reason == Reason::Missing {
                let near_misses = near_misses.get_or_insert_with(|| hints.near_misses(&resource.tags));
                violation.hint = near_misses.hint(*place);
            }
            violations.push(violation);
        }
        violations
    }

    fn is_leaving(&self, resource: &Resource) -> bool {
        self.leaving.iter().any(|status| *status == *resource.status)
    }

    fn add_unwanted(&self, resource: &Resource, violations: &mut Vec<Violation>) {
        for rule in self.rules.forbidden_tags.iter().filter(|rule| rule.is_broken_by(&resource.tags)) {
            let violation = Violation::of(&rule.written, Reason::Forbidden);
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        if self.rules.max_tags.is_some_and(|most| resource.tags.len() > most) {
            violations.push(Violation::of(&EVERY_KEY.into(), Reason::TooManyTags));
        }
    }

    /// The first exemption that holds now. Its end is a change.
    fn exemption(&mut self, resource: &Resource, key: &str) -> Option<Exempted> {
        let all = self.rules.exemptions.all();
        let here = self.candidates.iter().filter(|place| self.holds_here[**place]);
        let exemption = here.map(|place| &all[*place]).find(|exemption| exemption.holds(resource, key))?;
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

/// How a resource violates a rule.
fn broken(rule: &RequiredTag, resource: &Resource) -> Option<Reason> {
    match rule.value(&resource.tags) {
        None => Some(Reason::Missing),
        Some("") => Some(Reason::Empty),
        Some(value) if !rule.allows(value) => Some(Reason::InvalidValue),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use globset::{Glob, GlobSet};

    use super::*;
    use crate::inventory::{Resource, tags_of};

    fn exemption(id: Option<&str>, tag: Option<&str>, reason: &str) -> (Exemption, Vec<Glob>) {
        let globs: Vec<_> = id.iter().map(|id| Glob::new(id).unwrap()).collect();
        let set = id.map(|_| GlobSet::new(&globs).unwrap());
        let tag = tag.map(str::to_owned);
        (Exemption { resource_id: set, tag, reason: reason.into(), ..Exemption::default() }, globs)
    }

    fn rules(exemptions: Vec<(Exemption, Vec<Glob>)>) -> Rules {
        Rules {
            required_tags: vec![RequiredTag::of("owner")],
            exemptions: Exemptions::new(exemptions).unwrap(),
            ..Rules::default()
        }
    }

    #[test]
    fn the_first_exemption_that_fits_counts_whatever_it_is_found_by() {
        let rules = rules(vec![
            exemption(Some("hb-9"), Some("env=dev"), "id and tag"),
            exemption(None, Some("env"), "key"),
            exemption(Some("hb-*"), None, "id"),
            exemption(None, Some("env=prod"), "tag"),
        ]);
        let judged = |id: &str, tags| {
            let resource = Resource { tags, ..Resource::new(id) };
            let judgement =
                judge(&Target::new("a", "r", "hbase"), &[resource], &rules, Timestamp::UNIX_EPOCH);
            let exempted = judgement.verdicts[0].violations[0].exemption.clone();
            exempted.map(|exempted| exempted.reason.to_string()).unwrap_or_default()
        };
        assert_eq!(judged("hb-9", tags_of([("env", "dev")])), "id and tag");
        assert_eq!(judged("hb-9", tags_of([("env", "prod")])), "key");
        assert_eq!(judged("hb-1", tags_of([("a", "b")])), "id");
        assert_eq!(judged("x-1", tags_of([("env", "prod")])), "key");
        assert_eq!(judged("x-1", tags_of([("a", "b")])), "");
    }

    #[test]
    fn ten_thousand_exemptions_and_three_thousand_violators_are_judged_in_a_second() {
        let by_id = (0..5_000).map(|number| exemption(Some(&format!("hb-{number}")), None, "id"));
        let by_tag = (0..5_000).map(|number| exemption(None, Some(&format!("ticket={number}")), "tag"));
        let rules = rules(by_id.chain(by_tag).collect());
        let resource = |number: usize| Resource {
            tags: tags_of([("ticket", format!("{}", number * 4).as_str())]),
            ..Resource::new(&format!("hb-{}", number * 4))
        };
        let resources: Vec<_> = (0..3_000).map(resource).collect();
        let began = Instant::now();
        let judgement = judge(&Target::new("a", "r", "hbase"), &resources, &rules, Timestamp::UNIX_EPOCH);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let exempt = judgement.verdicts.iter().filter(|verdict| verdict.state == State::Exempt).count();
        assert_eq!(exempt, 1_250);
    }
}
