//! Half a surrogate pair, such as `\ud800` alone: no character, and no JSON for most readers. One in the name of one
//! resource must not make an answer about all of them unreadable.

use std::borrow::Cow;

/// Stands where an answer has half a pair. Unicode sets it aside as no character: texts have no use for it.
pub const NO_CHARACTER: char = '\u{fdd0}';
const ESCAPED: &[u8] = br"\ufdd0";

/// The answer with [`NO_CHARACTER`] for each half pair.
pub(super) fn without_half_pairs(body: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = next_backslash(body, at) {
        let (length, is_half) = escape(&body[found..]);
        if is_half {
            repaired.extend_from_slice(&body[copied..found]);
            repaired.extend_from_slice(ESCAPED);
            copied = found + length;
        }
        at = found + length;
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    repaired.extend_from_slice(&body[copied..]);
    Cow::Owned(repaired)
}

fn next_backslash(body: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.iter().position(|byte| *byte == b'\\').map(|found| from + found)
}

/// The length of the escape at the beginning, both halves of a pair together, and whether it is half a pair.
fn escape(text: &[u8]) -> (usize, bool) {
    match (unit(text), text.get(6..).and_then(unit)) {
        (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, false),
        (Some(0xd800..0xe000), _) => (6, true),
        (Some(_), _) => (6, false),
        (None, _) => (2, false),
    }
}

/// The UTF-16 unit that `\uXXXX` at the beginning stands for.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_replaced_and_everything_else_stays() {
        for (text, expected) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\\ud800 \n \u00e9""#, r#""\\ud800 \n \u00e9""#),
            (r#""\ud800""#, r#""\ufdd0""#),
            (r#""a\udc00b\uD83D\uDE00""#, r#""a\ufdd0b\uD83D\uDE00""#),
            (r#""\ud800\ud800\udc00""#, r#""\ufdd0\ud800\udc00""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r"\", r"\"),
        ] {
            let found = without_half_pairs(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), expected, "{text}");
        }
    }
}
