//! The content of every report format: all targets after one collection, judged. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::inventory::{Failure, Known, Reason, Resource, Target};
use crate::policy::{Rules, State, Verdict};
use crate::publication::publisher::{Published, Shown};

/// The result of an audit whose report was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Every target is known, and no resource breaks a rule; grace periods and exemptions count as such.
    Compliant,
    /// Every target is known, and a resource breaks a rule.
    Violating,
    /// A target could not be listed, whatever the others say.
    Unknown,
}

pub(super) struct Report {
    /// When it was judged.
    pub at: Timestamp,
    /// Sorted.
    pub targets: Vec<Audited>,
    rules: Rules,
    pub only_violations: bool,
}

/// One target as it is published.
pub(super) struct Audited {
    pub target: Target,
    pub shown: Arc<Shown>,
    /// Why it is unknown, or some of it.
    pub failure: Option<Failure>,
}

impl Report {
    pub fn new(published: &Published, rules: Rules, only_violations: bool) -> Self {
        let targets = published.targets.iter();
        let targets = targets.map(|(target, shown)| Audited::of(target, shown));
        Self { at: published.at, targets: targets.collect(), rules, only_violations }
    }

    pub fn conclusion(&self) -> Conclusion {
        if self.unknown().next().is_some() {
            return Conclusion::Unknown;
        }
        match self.count(State::Violating) {
            0 => Conclusion::Compliant,
            _ => Conclusion::Violating,
        }
    }

    /// The number of resources in `state`, including those left out of the report.
    pub fn count(&self, state: State) -> usize {
        self.verdicts().filter(|verdict| verdict.state == state).count()
    }

    /// The targets that could not be listed, and why.
    pub fn unknown(&self) -> impl Iterator<Item = (&Audited, &Failure)> {
        self.targets.iter().filter_map(|audited| Some((audited, audited.failure.as_ref()?)))
    }

    /// The resources of a target that the report contains.
    pub fn resources<'a>(&self, audited: &'a Audited) -> impl Iterator<Item = (&'a Resource, &'a Verdict)> {
        let all = !self.only_violations;
        audited.shown.judged().filter(move |(_, verdict)| all || verdict.state == State::Violating)
    }

    /// The keys of all rules: those that are required in their order, then those of other rules that are broken.
    pub fn keys(&self) -> Vec<&Arc<str>> {
        distinct(self.required().chain(self.verdicts().flat_map(broken)))
    }

    fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.targets.iter().flat_map(|audited| &audited.shown.judgement.verdicts)
    }

    /// The keys of the rules that a resource with this verdict was judged by, as far as they are known.
    pub fn keys_of<'a>(&self, verdict: &'a Verdict) -> Vec<&'a Arc<str>> {
        distinct(verdict.required.iter().chain(broken(verdict)))
    }

    fn required(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.required_tags.iter().map(|rule| &rule.key)
    }
}

impl Audited {
    fn of(target: &Target, shown: &Arc<Shown>) -> Self {
        let failure = shown.inventory.failure().cloned();
        let failure = failure.or_else(|| shown.known.as_ref().and_then(doubtful));
        Self { target: target.clone(), shown: Arc::clone(shown), failure }
    }
}

/// Why a listing that worked does not say everything.
fn doubtful(known: &Known) -> Option<Failure> {
    let unreadable = known.resources.iter().filter(|resource| resource.unread.is_some());
    let ids: Vec<_> = unreadable.map(|resource| &*resource.id).collect();
    let message = match ids.as_slice() {
        [] if known.count_mismatch => {
            let listed = numbered(known.resources.len(), "resource");
            format!("the listing has {listed}, which is not the number that the cloud counts")
        }
        [] => return None,
        [id] => format!("the tags of {id} could not be read"),
        [id, others @ ..] => {
            format!("the tags of {id} and {} could not be read", numbered(others.len(), "other resource"))
        }
    };
    Some(Failure { reason: Reason::Inconsistent, message })
}

fn broken(verdict: &Verdict) -> impl Iterator<Item = &Arc<str>> {
    verdict.violations.iter().map(|violation| &violation.key)
}

fn distinct<'a>(keys: impl Iterator<Item = &'a Arc<str>>) -> Vec<&'a Arc<str>> {
    let mut seen = BTreeSet::new();
    keys.filter(|key| seen.insert(Arc::clone(key))).collect()
}

/// `text` made harmless for a terminal or page: control characters, direction marks, line breaks and other invisible
/// characters are written as `\u{…}` or `\n`. Quotes and backslashes are preserved.
pub(super) fn visible(text: &str) -> String {
    let (mut visible, mut escaped) = (String::new(), text.escape_debug().peekable());
    while let Some(c) = escaped.next() {
        let harmless = escaped.next_if(|next| c == '\\' && "'\"\\".contains(*next));
        visible.push(harmless.unwrap_or(c));
    }
    visible
}

/// A number with its noun: `1 target`, `2 targets`.
pub(super) fn numbered(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What XML 1.0 allows: <https://www.w3.org/TR/xml/#charsets>.
    fn is_xml(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    }

    /// Unicode's property `Bidi_Control`.
    fn turns(c: char) -> bool {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    #[test]
    fn every_character_is_shown_by_characters_that_do_nothing() {
        for c in char::MIN..=char::MAX {
            let shown = visible(&c.to_string());
            assert!(shown.chars().all(|c| is_xml(c) && !c.is_control() && !turns(c)), "{c:?}");
        }
    }

    #[test]
    fn text_of_any_script_stays_as_it_is() {
        for text in [
            "owner",
            "负责人",
            "Владелец",
            "สวัสดี",
            "a b-c_d/e=f",
            "naïve",
            "it's",
            "\"x\"",
            r"C:\new\u{1b}",
            "\\'",
        ] {
            assert_eq!(visible(text), text);
        }
    }
}
