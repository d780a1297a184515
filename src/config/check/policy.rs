//! The policy: rules that can be judged by, each reachable and free of contradictions.

use std::collections::BTreeMap;

use globset::GlobSet;
use jiff::civil::Date;
use regex::{Regex, RegexBuilder};

use super::{Checker, file};
use crate::policy::{EVERY_KEY, Exemption, ForbiddenTag, RequiredTag, Rules, Scope};

/// Of a compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;
const MOST_TAGS: usize = 1000;

pub(super) fn rules(checker: &mut Checker<'_>, policy: file::Policy, system_keys: &GlobSet) -> Rules {
    let file::Policy { grace_period, required_tags, forbidden_tags, max_tags, exemptions, .. } = policy;
    spellings(checker, &required_tags);
    for (index, rule) in required_tags.iter().enumerate() {
        let path = format!("policy.required_tags[{index}]");
        let excluded = system_keys.is_match(&rule.key);
        checker.unless(!excluded, &format!("{path}.key"), "is excluded by metrics.exclude_keys");
        if let Some(before) = required_tags[..index].iter().position(|before| hides(before, rule)) {
            let text = format!(
                "is never reached: policy.required_tags[{before}] has the same key and applies to all that \
                 this one applies to"
            );
            checker.wrong(path, text);
        }
    }
    let required_tags = checker.each("policy.required_tags", required_tags, required_tag);
    let forbidden_tags = checker.each("policy.forbidden_tags", forbidden_tags, forbidden_tag);
    let most = max_tags.map(|max| max.limit);
    let sensible = most.is_none_or(|most| (1..=MOST_TAGS).contains(&most));
    checker.unless(sensible, "policy.max_tags.limit", "must be 1 to 1000");
    let mut keys: Vec<_> = required_tags.iter().map(|rule| rule.key.to_string()).collect();
    keys.extend(forbidden_tags.iter().map(|rule| rule.written.to_string()));
    keys.extend(most.map(|_| EVERY_KEY.to_owned()));
    let exemptions = checker
        .each("policy.exemptions", exemptions, |checker, path, file| exemption(checker, path, file, &keys));
    let grace_period = grace_period.0;
    Rules { required_tags, forbidden_tags, max_tags: most, exemptions, grace_period }
}

fn required_tag(checker: &mut Checker<'_>, path: &str, file: file::RequiredTag) -> RequiredTag {
    checker.unless(!file.key.is_empty(), &format!("{path}.key"), "is empty");
    let pattern = pattern(checker, &format!("{path}.pattern"), &file.pattern);
    for (index, value) in file.values.iter().enumerate() {
        let path = format!("{path}.values[{index}]");
        checker.unless(!value.is_empty(), &path, "is empty, and an empty value never counts");
        checker.unless(!file.values[..index].contains(value), &path, "is there twice");
        let possible = pattern.as_ref().is_none_or(|pattern| pattern.is_match(value));
        checker.unless(possible, &path, "can never count: the pattern does not allow it");
    }
    let scope = file.applies_to;
    let mut globs = |name: &str, globs: Option<file::Globs>| {
        globs.map(|globs| checker.globs(&format!("{path}.applies_to.{name}"), globs.as_slice()))
    };
    let applies_to = Scope {
        accounts: globs("accounts", scope.accounts),
        regions: globs("regions", scope.regions),
        products: globs("products", scope.products),
        resource_groups: globs("resource_groups", scope.resource_groups),
        name: globs("name", scope.name),
        status: globs("status", scope.status),
    };
    let aliases = file.aliases.iter().map(|alias| alias.as_str().into()).collect();
    RequiredTag { key: file.key.into(), aliases, values: file.values, pattern, applies_to }
}

/// A pattern for whole values.
fn pattern(checker: &mut Checker<'_>, path: &str, text: &str) -> Option<Regex> {
    if text.is_empty() {
        return None;
    }
    let whole = RegexBuilder::new(&format!(r"\A(?:{text})\z")).size_limit(LARGEST_PATTERN).build();
    whole.map_err(|error| checker.wrong(path, reason(&error))).ok()
}

/// The last line of a message that draws the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("is no regular expression: {}", last.trim_start_matches("error: "))
}

/// Each spelling belongs to one key.
fn spellings(checker: &mut Checker<'_>, rules: &[file::RequiredTag]) {
    let mut keys: BTreeMap<_, _> = rules.iter().map(|rule| (&*rule.key, &*rule.key)).collect();
    for (index, rule) in rules.iter().enumerate() {
        for (number, alias) in rule.aliases.iter().enumerate() {
            let path = format!("policy.required_tags[{index}].aliases[{number}]");
            let first = !rule.aliases[..number].contains(alias) && *alias != rule.key;
            checker.unless(!alias.is_empty(), &path, "is empty");
            checker.unless(first, &path, "is a spelling of this rule already");
            match keys.insert(alias, &rule.key) {
                Some(other) if other != rule.key => {
                    checker.wrong(path, format!("{alias:?} is a spelling of {other:?} too"));
                }
                _ => {}
            }
        }
    }
}

/// Whether `before` has the key of `rule`, and applies wherever that does.
fn hides(before: &file::RequiredTag, rule: &file::RequiredTag) -> bool {
    let (wide, narrow) = (&before.applies_to, &rule.applies_to);
    let covers = |wide: &Option<file::Globs>, narrow: &Option<file::Globs>| {
        let Some(wide) = wide.as_ref().map(file::Globs::as_slice) else { return true };
        let narrow = narrow.as_ref().map_or(&[][..], file::Globs::as_slice);
        let all = wide.iter().any(|glob| glob == "*");
        all || (!narrow.is_empty() && narrow.iter().all(|glob| wide.contains(glob)))
    };
    // No status is every one but DELETING.
    let status = (wide.status.is_none() && narrow.status.is_none())
        || (wide.status.is_some() && covers(&wide.status, &narrow.status));
    before.key == rule.key
        && status
        && covers(&wide.accounts, &narrow.accounts)
        && covers(&wide.regions, &narrow.regions)
        && covers(&wide.products, &narrow.products)
        && covers(&wide.resource_groups, &narrow.resource_groups)
        && covers(&wide.name, &narrow.name)
}

fn forbidden_tag(checker: &mut Checker<'_>, path: &str, file: file::ForbiddenTag) -> ForbiddenTag {
    checker.unless(!file.key.is_empty(), &format!("{path}.key"), "is empty");
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
        checker.unless(known.contains(key), &format!("{path}.keys[{index}]"), "is the key of no rule");
    }
    let mut globs = |name: &str, globs: Option<file::Globs>| {
        globs.map(|globs| checker.globs(&format!("{path}.{name}"), globs.as_slice()))
    };
    let (resource_id, account) = (globs("resource_id", file.resource_id), globs("account", file.account));
    let (region, product) = (globs("region", file.region), globs("product", file.product));
    let until = Some(file.until).filter(|text| !text.is_empty()).and_then(|text| day(checker, path, &text));
    let (keys, reason, tag) = (file.keys, file.reason.into(), Some(file.tag).filter(|tag| !tag.is_empty()));
    Exemption { resource_id, account, region, product, tag, keys, reason, until }
}

fn day(checker: &mut Checker<'_>, path: &str, text: &str) -> Option<Date> {
    let is_day = text.len() == "2027-01-31".len();
    let day = text.parse().ok().filter(|_| is_day);
    checker.unless(day.is_some(), &format!("{path}.until"), "is no day such as 2027-01-31");
    day
}
