//! The label names of tag keys. Two keys must not share one.

use std::collections::BTreeMap;

use globset::GlobSet;

use super::{Checker, file};
use crate::publication::exposition::TagLabel;
use crate::publication::exposition::labels::{is_label_part, label_name};

/// Keys under their label names.
#[derive(Default)]
struct Labels<'a>(BTreeMap<String, &'a str>);

/// The labels of the wide metric, and those of `alicloud_resources`.
pub(super) fn labels(
    checker: &mut Checker<'_>,
    metrics: &file::Metrics,
    policy: &file::Policy,
    system_keys: &GlobSet,
) -> (Vec<TagLabel>, Vec<TagLabel>) {
    let rules = &policy.required_tags;
    let (mut wide, mut rollup) = (Labels::default(), Labels::default());
    for (index, label) in metrics.tag_labels.iter().enumerate() {
        let (key, label) = written(label);
        wide.add(checker, &format!("metrics.tag_labels[{index}]"), key, label);
    }
    for (index, rule) in rules.iter().enumerate() {
        wide.add(checker, &format!("policy.required_tags[{index}]"), &rule.key, &rule.label);
    }
    for (index, key) in policy.rollup_tags.iter().enumerate() {
        let path = format!("policy.rollup_tags[{index}]");
        checker.unless(!policy.rollup_tags[..index].contains(key), &path, "is a duplicate");
        checker.unless(!system_keys.is_match(key), &path, "is excluded by metrics.exclude_keys");
        let of_its_rule = rules.iter().find(|rule| rule.key == *key).map(|rule| &*rule.label);
        let given = || metrics.tag_labels.iter().map(written).find(|(other, _)| other == key);
        let label = of_its_rule.or_else(|| given().map(|(_, label)| label)).unwrap_or_default();
        rollup.add(checker, &path, key, label);
    }
    (wide.with_aliases(rules), rollup.with_aliases(rules))
}

/// The key, and the label that was written beside it.
fn written(label: &file::TagLabel) -> (&str, &str) {
    (&label.key, &label.label)
}

impl<'a> Labels<'a> {
    /// Adds a key under its label: given, or made of the key.
    fn add(&mut self, checker: &mut Checker<'_>, path: &str, key: &'a str, label: &str) {
        if key.is_empty() {
            return checker.wrong(path, "the tag key is empty");
        }
        checker.unless(
            label.is_empty() || is_label_part(label),
            path,
            "a label may contain only A-Z a-z 0-9 _",
        );
        let name = if label.is_empty() { label_name(key) } else { Some(format!("tag_{label}")) };
        let Some(name) = name else {
            return checker.wrong(
                path,
                format!("the key {key:?} has no ASCII letter or digit: set a label in metrics.tag_labels or in its rule"),
            );
        };
        match self.0.get(&name) {
            Some(other) if *other != key => {
                let text = format!(
                    "{other:?} and {key:?} both become the label {name}: set another label for one of them"
                );
                checker.wrong(path, text);
            }
            _ => _ = self.0.insert(name, key),
        }
    }

    /// A required key's label shows what the rule counts: the first of its spellings that is there.
    fn with_aliases(self, rules: &[file::RequiredTag]) -> Vec<TagLabel> {
        let spelled = |(name, key): (String, &str)| {
            let aliases = rules.iter().filter(|rule| rule.key == key).flat_map(|rule| &rule.aliases);
            let keys = [key].into_iter().chain(aliases.map(String::as_str)).map(Into::into).collect();
            TagLabel { name, keys }
        };
        self.0.into_iter().map(spelled).collect()
    }
}
