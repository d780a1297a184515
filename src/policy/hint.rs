//! Hints for a missing required tag: a similar key on the same resource.

use std::collections::{HashMap, HashSet};

use super::rules::RequiredTag;
use crate::inventory::Tags;

/// Shorter keys are one edit away from almost any other key.
const SHORTEST: usize = 3;

/// Which keys are nearly a spelling of which rules. Many resources have the same few keys: each is compared once.
pub(super) struct Hints<'a> {
    /// Keys of rules, which are never a misspelling of another rule's key.
    asked_for: HashSet<&'a str>,
    spellings: Vec<Spelling>,
    known: HashMap<&'a str, Vec<Near>>,
}

struct Spelling {
    rule: usize,
    folded: String,
    length: usize,
}

#[derive(Debug, Clone, Copy)]
struct Near {
    /// Its place among the rules.
    rule: usize,
    likeness: Likeness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// Equal but for case and spaces around it.
    Same,
    /// The same after one edit: a character more, less or another, or two that changed places.
    OneEdit,
}

/// The keys of one resource that are nearly a spelling of a rule.
pub(super) struct NearMisses<'a>(Vec<(&'a str, Near)>);

impl NearMisses<'_> {
    /// The likeliest for the rule at this place.
    pub fn hint(&self, rule: usize) -> Option<String> {
        let of_the_rule = self.0.iter().filter(|(_, near)| near.rule == rule);
        of_the_rule.min_by_key(|(_, near)| near.likeness).map(|(key, _)| format!("did you mean `{key}`?"))
    }
}

impl<'a> Hints<'a> {
    pub fn new(rules: &'a [RequiredTag]) -> Self {
        let spelled =
            || rules.iter().enumerate().flat_map(|(n, rule)| rule.spellings().map(move |s| (n, &**s)));
        let spelling = |(rule, key)| {
            let folded = folded(key);
            Spelling { rule, length: folded.chars().count(), folded }
        };
        Self {
            asked_for: spelled().map(|(_, key)| key).collect(),
            spellings: spelled().map(spelling).collect(),
            known: HashMap::new(),
        }
    }

    pub fn near_misses(&mut self, tags: &'a Tags) -> NearMisses<'a> {
        let mut found = Vec::new();
        for (key, _) in tags.iter() {
            let Self { asked_for, spellings, known } = self;
            let near = known.entry(key).or_insert_with(|| match asked_for.contains(&**key) {
                true => Vec::new(),
                false => near(key, spellings),
            });
            found.extend(near.iter().map(|near| (&**key, *near)));
        }
        NearMisses(found)
    }
}

fn near(key: &str, spellings: &[Spelling]) -> Vec<Near> {
    let folded = folded(key);
    let length = folded.chars().count();
    let near = |spelling: &Spelling| {
        let likeness = if spelling.folded == folded {
            Likeness::Same
        } else if spelling.length >= SHORTEST
            && spelling.length.abs_diff(length) <= 1
            && strsim::osa_distance(&spelling.folded, &folded) == 1
        {
            Likeness::OneEdit
        } else {
            return None;
        };
        Some(Near { rule: spelling.rule, likeness })
    };
    spellings.iter().filter_map(near).collect()
}

fn folded(key: &str) -> String {
    key.trim().to_lowercase()
}
