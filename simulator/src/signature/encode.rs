//! Percent-encoding as both versions want it.

use std::fmt::Write as _;

/// Letters, digits and `-_.~` stay, each other byte of the UTF-8 text becomes `%XY` with capital digits.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode(" ~/*-+_.é"), "%20~%2F%2A-%2B_.%C3%A9");
    }
}
