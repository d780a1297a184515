//! The policy: rules that can be judged by, each reachable and free of contradictions.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet};
use jiff::civil::Date;

use super::{Checker, MAX_SPAN, file};
use crate::cloud::catalog::Catalog;
use crate::config::checker::glob;
use crate::policy::{EVERY_KEY, Exemption, Exemptions, ForbiddenTag, RequiredTag, Rules, Scope};

mod pattern;
mod reachable;

const MAX_TAGS: usize = 1000;
/// Required keys, and forbidden ones.
const MAX_RULES: usize = 1000;
const MAX_EXEMPTIONS: usize = 10_000;
/// Of one rule.
const MAX_ALIASES: usize = 100;
const MAX_VALUES: usize = 10_000;
const EXCLUDED: &str = "is excluded by metrics.exclude_keys";

pub(super) fn rules(
    checker: &mut Checker<'_>,
    policy: file::Policy,
    system_keys: &GlobSet,
    catalog: &Catalog,
) -> Rules {
    let file::Policy { grace_period, required_tags, forbidden_tags, max_tags, exemptions, .. } = policy;
    checker.at_most("policy.required_tags", &required_tags, MAX_RULES);
    checker.at_most("policy.forbidden_tags", &forbidden_tags, MAX_RULES);
    checker.at_most("policy.exemptions", &exemptions, MAX_EXEMPTIONS);
    checker.short_enough("policy.grace_period", grace_period.0, MAX_SPAN);
    if required_tags.len() > MAX_RULES {
        // The rest compares each with each.
        return Rules::default();
    }
    spellings(checker, &required_tags);
    let leaving = catalog.leaving();
    let statuses: Vec<_> = leaving.values().flatten().map(String::as_str).collect();
    for (index, rule) in required_tags.iter().enumerate() {
        let path = format!("policy.required_tags[{index}]");
        checker.unless(!system_keys.is_match(&rule.key), &format!("{path}.key"), EXCLUDED);
        for (index, alias) in rule.aliases.iter().enumerate() {
            checker.unless(!system_keys.is_match(alias), &format!("{path}.aliases[{index}]"), EXCLUDED);
        }
        if let Some(before) =
            required_tags[..index].iter().position(|before| reachable::hides(before, rule, &statuses))
        {
            let text = format!(
                "is unreachable: policy.required_tags[{before}] has the same key and applies to the same \
                 resources"
            );
            checker.wrong(path, text);
        }
    }
    let required_tags = checker.each("policy.required_tags", required_tags, required_tag);
    let forbidden_tags = checker.each("policy.forbidden_tags", forbidden_tags, forbidden_tag);
    let most = max_tags.map(|max| max.limit);
    let sensible = most.is_none_or(|most| (1..=MAX_TAGS).contains(&most));
    checker.unless(sensible, "policy.max_tags.limit", "must be 1 to 1000");
    let mut keys: Vec<_> = required_tags.iter().map(|rule| rule.key.to_string()).collect();
    keys.extend(forbidden_tags.iter().map(|rule| rule.written.to_string()));
    keys.extend(most.map(|_| EVERY_KEY.to_owned()));
    let ids: Vec<_> = exemptions.iter().map(id_globs).collect();
    let exemptions = checker.each("policy.exemptions", exemptions, |checker, path, file| {
        let key = file.tag.split('=').next().unwrap_or_default();
        let keyless = key.is_empty() && !file.tag.is_empty();
        checker.unless(!keyless, &format!("{path}.tag"), "has no key before the =");
        checker.unless(!system_keys.is_match(key), &format!("{path}.tag"), EXCLUDED);
        exemption(checker, path, file, &keys)
    });
    let exemptions = Exemptions::new(exemptions.into_iter().zip(ids).collect()).unwrap_or_else(|error| {
        checker.wrong("policy.exemptions", error.kind().to_string());
        Exemptions::default()
    });
    let grace_period = grace_period.0;
    Rules { required_tags, forbidden_tags, max_tags: most, exemptions, grace_period, leaving }
}

/// The globs over resource ids that can be read; the others are reported elsewhere.
fn id_globs(exemption: &file::Exemption) -> Vec<Glob> {
    let globs = exemption.resource_id.iter().flat_map(|globs| globs.as_slice());
    globs.filter_map(|text| glob(text).ok()).collect()
}

fn required_tag(checker: &mut Checker<'_>, path: &str, file: file::RequiredTag) -> RequiredTag {
    checker.unless(!file.key.is_empty(), &format!("{path}.key"), "must not be empty");
    checker.at_most(&format!("{path}.aliases"), &file.aliases, MAX_ALIASES);
    checker.at_most(&format!("{path}.values"), &file.values, MAX_VALUES);
    let pattern = Some(file.pattern).filter(|text| !text.is_empty()).and_then(|text| {
        pattern::compiled(&text).map_err(|problem| checker.wrong(format!("{path}.pattern"), problem)).ok()
    });
    for (index, value) in file.values.iter().enumerate() {
        let path = format!("{path}.values[{index}]");
        checker.unless(!value.is_empty(), &path, "must not be empty: an empty value is never allowed");
        checker.unless(!file.values[..index].contains(value), &path, "is a duplicate");
        let possible = pattern.as_ref().is_none_or(|pattern| pattern.is_match(value));
        checker.unless(possible, &path, "is never allowed: it does not match the pattern");
    }
    let scope = file.applies_to;
    let at = |name| format!("{path}.applies_to.{name}");
    let applies_to = Scope {
        accounts: names(checker, &at("accounts"), scope.accounts),
        regions: names(checker, &at("regions"), scope.regions),
        products: names(checker, &at("products"), scope.products),
        resource_groups: globs(checker, &at("resource_groups"), scope.resource_groups),
        name: globs(checker, &at("name"), scope.name),
        status: globs(checker, &at("status"), scope.status),
    };
    let aliases = file.aliases.iter().map(|alias| alias.as_str().into()).collect();
    RequiredTag { key: file.key.into(), aliases, values: file.values, pattern, applies_to }
}

/// The globs of a scope or an exemption. A list without globs, which would fit nothing, is a slip.
fn globs(checker: &mut Checker<'_>, path: &str, globs: Option<file::Globs>) -> Option<GlobSet> {
    let globs = globs?;
    checker.unless(!globs.as_slice().is_empty(), path, "is empty: remove it, or add a glob");
    Some(checker.globs(path, globs.as_slice()))
}

/// The same for what is never empty.
fn names(checker: &mut Checker<'_>, path: &str, names: Option<file::Globs>) -> Option<GlobSet> {
    let empty = names.iter().flat_map(|names| names.as_slice()).any(String::is_empty);
    checker.unless(!empty, path, "contains an empty glob, which matches nothing");
    globs(checker, path, names)
}

/// Each spelling belongs to one key.
fn spellings(checker: &mut Checker<'_>, rules: &[file::RequiredTag]) {
    let mut keys: BTreeMap<_, _> = rules.iter().map(|rule| (&*rule.key, &*rule.key)).collect();
    for (index, rule) in rules.iter().enumerate() {
        for (number, alias) in rule.aliases.iter().enumerate() {
            let path = format!("policy.required_tags[{index}].aliases[{number}]");
            let first = !rule.aliases[..number].contains(alias) && *alias != rule.key;
            checker.unless(!alias.is_empty(), &path, "must not be empty");
            checker.unless(first, &path, "is a duplicate spelling in this rule");
            match keys.insert(alias, &rule.key) {
                Some(other) if other != rule.key => {
                    checker.wrong(path, format!("{alias:?} is also a spelling of {other:?}"));
                }
                _ => {}
            }
        }
    }
}

fn forbidden_tag(checker: &mut Checker<'_>, path: &str, file: file::ForbiddenTag) -> ForbiddenTag {
    checker.unless(!file.key.is_empty(), &format!("{path}.key"), "must not be empty");
    let key = checker.globs_at(&format!("{path}.key"), &file.key);
    let value = checker.globs_at(&format!("{path}.value"), &file.value);
    ForbiddenTag { written: file.key.into(), key, value }
}

fn exemption(checker: &mut Checker<'_>, path: &str, file: file::Exemption, known: &[String]) -> Exemption {
    let wide =
        [&file.resource_id, &file.account, &file.region, &file.product].iter().all(|globs| globs.is_none());
    let of_all = wide && file.tag.is_empty() && file.keys.is_empty();
    checker.unless(
        !of_all,
        path,
        "exempts everything: say what it is for, by resource_id, account, region, \
                                   product, tag or keys",
    );
    for (index, key) in file.keys.iter().enumerate() {
        checker.unless(known.contains(key), &format!("{path}.keys[{index}]"), "is not the key of any rule");
    }
    let at = |name| format!("{path}.{name}");
    let (resource_id, account, region, product) = (
        names(checker, &at("resource_id"), file.resource_id),
        names(checker, &at("account"), file.account),
        names(checker, &at("region"), file.region),
        names(checker, &at("product"), file.product),
    );
    let until = Some(file.until).filter(|text| !text.is_empty()).and_then(|text| day(checker, path, &text));
    let tag = Some(file.tag).filter(|tag| !tag.is_empty());
    let (keys, reason) = (file.keys, file.reason.into());
    Exemption { resource_id, account, region, product, tag, keys, reason, until }
}

fn day(checker: &mut Checker<'_>, path: &str, text: &str) -> Option<Date> {
    let is_day = text.len() == "2027-01-31".len();
    let day = text.parse().ok().filter(|_| is_day);
    checker.unless(day.is_some(), &format!("{path}.until"), "is not a valid date (example: 2027-01-31)");
    day
}
