//! Rules that can never be reached.

use globset::Glob;

use crate::config::file::{Globs, RequiredTag};

/// Whether `before` has the key of `rule`, and applies wherever that does. `leaving` are the statuses, of any product,
/// to which a rule without a status does not apply.
pub(super) fn hides(before: &RequiredTag, rule: &RequiredTag, leaving: &[&str]) -> bool {
    if before.key != rule.key {
        return false;
    }
    let (wide, narrow) = (&before.applies_to, &rule.applies_to);
    // No status is every one but the leaving ones.
    let status = match (&wide.status, &narrow.status) {
        (None, None) => true,
        (None, Some(narrow)) => {
            !leaving.iter().any(|status| narrow.as_slice().iter().any(|glob| matches(glob, status)))
        }
        (Some(_), _) => covers(&wide.status, &narrow.status),
    };
    status
        && covers(&wide.accounts, &narrow.accounts)
        && covers(&wide.regions, &narrow.regions)
        && covers(&wide.products, &narrow.products)
        && covers(&wide.resource_groups, &narrow.resource_groups)
        && covers(&wide.name, &narrow.name)
}

fn covers(wide: &Option<Globs>, narrow: &Option<Globs>) -> bool {
    let Some(wide) = wide.as_ref().map(Globs::as_slice) else { return true };
    let narrow = narrow.as_ref().map(Globs::as_slice);
    narrow.map_or_else(
        || wide.iter().any(|glob| glob == "*"),
        |narrow| narrow.iter().all(|narrow| wide.iter().any(|wide| is_within(narrow, wide))),
    )
}

/// Whether all that `narrow` matches is matched by `wide`. Only what is sure counts: in `wide`, nothing but `*` stands
/// for other characters, so it can match the wildcards of `narrow` by a `*` alone, which matches what they match.
fn is_within(narrow: &str, wide: &str) -> bool {
    let sure =
        !narrow.contains(['[', ']', '{', '}', '\\']) && !wide.contains(['?', '[', ']', '{', '}', '\\']);
    narrow == wide || (sure && matches(wide, narrow))
}

fn matches(glob: &str, text: &str) -> bool {
    Glob::new(glob).is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_within_another_only_where_that_is_sure() {
        for (narrow, wide) in [
            ("cn-hangzhou", "cn-*"),
            ("cn-*", "cn-*"),
            ("cn-h*", "cn-*"),
            ("a?c", "a*"),
            ("[ab]", "[ab]"),
            ("", "*"),
        ] {
            assert!(is_within(narrow, wide), "{narrow} {wide}");
        }
        for (narrow, wide) in
            [("cn-*", "cn-h*"), ("a*", "a?"), ("[ab]c", "*a*"), ("{a,b}", "*a*"), ("a", "b")]
        {
            assert!(!is_within(narrow, wide), "{narrow} {wide}");
        }
    }
}
