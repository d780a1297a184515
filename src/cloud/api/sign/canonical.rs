//! What both mechanisms write in the same way.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cloud::api::call::Stamp;

/// Every request goes as a POST.
pub const METHOD: &str = "POST";

/// Everything but `A-Z a-z 0-9 - _ . ~` is encoded, as `%XY` with upper-case digits.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Names and values percent-encoded and joined, in the byte order of the names.
pub fn canonical_query<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    query
}

pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `2026-11-24T03:00:00Z`.
pub fn moment(stamp: &Stamp) -> String {
    stamp.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_canonical_query_decodes_to_the_parameters(
            parameters in prop::collection::btree_map(".{0,12}", ".{0,12}", 0..6),
        ) {
            let query = canonical_query(&parameters);
            prop_assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%=&".contains(&b)));
            let decoded: BTreeMap<String, String> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            prop_assert_eq!(decoded, parameters);
        }
    }
}
