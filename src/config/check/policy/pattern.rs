//! Patterns for whole values.

use regex::{Regex, RegexBuilder};
use regex_syntax::Error;

/// Of a compiled pattern, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// The pattern, or what is wrong with it.
pub(super) fn compiled(text: &str) -> Result<Regex, String> {
    let parsed = regex_syntax::parse(text).map_err(|error| described(&error, text))?;
    // What was parsed is written out, so that no `)` or comment in the text ends the group.
    let whole = RegexBuilder::new(&format!(r"\A(?:{parsed})\z")).size_limit(MAX_SIZE).build();
    whole.map_err(|_| format!("is too large: the compiled pattern exceeds {MAX_SIZE} bytes"))
}

/// One line, in place of a drawing of the pattern.
fn described(error: &Error, text: &str) -> String {
    let (kind, offset) = match error {
        Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
        Error::Translate(error) => (error.kind().to_string(), error.span().start.offset),
        _ => (error.to_string(), 0),
    };
    let before = text.get(..offset).unwrap_or_default().chars().count();
    format!("is not a valid regular expression: {kind}, at character {}", before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_values_whatever_it_holds() {
        for (pattern, good, bad) in [
            ("a|b", "b", "ab"),
            ("(?x) a  # not b", "a", "ab"),
            ("(?i)prod", "PROD", "prod\n"),
            ("^a$", "a", "a\n"),
            ("(?m)^a$", "a", "a\nb"),
            (r"\p{Han}{2,3}", "张三", "张三x"),
            (r"\d+", "४", "4x"),
        ] {
            let pattern = compiled(pattern).unwrap();
            assert!(pattern.is_match(good) && !pattern.is_match(bad), "{pattern}");
        }
    }

    #[test]
    fn a_mistake_is_reported_in_one_line_with_its_position() {
        for (pattern, problem) in [
            ("a(b", "is not a valid regular expression: unclosed group, at character 2"),
            ("a)|(b", "is not a valid regular expression: unopened group, at character 2"),
            ("负责人[", "is not a valid regular expression: unclosed character class, at character 4"),
            (r"\p{Nobody}", "is not a valid regular expression: Unicode property not found, at character 1"),
            ("(a|b){1000}{1000}", "is too large: the compiled pattern exceeds 1048576 bytes"),
        ] {
            assert_eq!(compiled(pattern).unwrap_err(), problem, "{pattern}");
        }
    }
}
