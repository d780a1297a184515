//! What somebody may have meant who left a required tag out.

use super::rules::{RequiredTag, Rules};
use crate::inventory::Tags;

/// Of shorter keys nearly every other one is a single edit away.
const SHORTEST: usize = 3;

/// The key of a tag that is nearly a spelling of `rule`: equal but for case and spaces around it, or one edit away. A
/// key that another rule asks for is none.
pub(super) fn hint(rule: &RequiredTag, rules: &Rules, tags: &Tags) -> Option<String> {
    let keys = || tags.iter().map(|(key, _)| &**key).filter(|key| !is_asked_for(key, rules));
    let near = |key: &&str| rule.spellings().any(|spelling| is_near(key, spelling));
    let found = keys().find(|key| rule.spellings().any(|spelling| is_same(key, spelling)));
    found.or_else(|| keys().find(near)).map(|key| format!("did you mean `{key}`?"))
}

fn is_asked_for(key: &str, rules: &Rules) -> bool {
    let mut spellings = rules.required_tags.iter().flat_map(RequiredTag::spellings);
    spellings.any(|spelling| &**spelling == key)
}

fn is_same(key: &str, spelling: &str) -> bool {
    key.trim().to_lowercase() == spelling.trim().to_lowercase()
}

fn is_near(key: &str, spelling: &str) -> bool {
    let (key, spelling) = (key.trim().to_lowercase(), spelling.trim().to_lowercase());
    let (length, wanted) = (key.chars().count(), spelling.chars().count());
    wanted >= SHORTEST && length.abs_diff(wanted) <= 1 && strsim::osa_distance(&key, &spelling) <= 1
}
