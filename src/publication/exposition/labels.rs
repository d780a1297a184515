//! Label names made of tag keys, and label values escaped.

use crate::inventory::Target;

/// The label of the wide metric for a tag key: `tag_` and the key, every character that a label name cannot hold
/// as `_`. `None` for a key without an ASCII letter or digit, which would be `_` only.
pub fn label_name(key: &str) -> Option<String> {
    let mappable = key.contains(|c: char| c.is_ascii_alphanumeric());
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = || key.chars().map(|c| if allowed(c) { c } else { '_' }).collect::<String>();
    mappable.then(|| format!("tag_{}", name()))
}

/// Whether `label` can stand behind `tag_` in a label name.
pub fn is_label_part(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Appends a label value as it stands between quotes: `\`, `"` and line feeds are escaped, in every text format.
pub fn escape_into(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = memchr::memchr3(b'\\', b'"', b'\n', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        text.push_str(match rest.as_bytes()[at] {
            b'\n' => r"\n",
            b'"' => r#"\""#,
            _ => r"\\",
        });
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
}

/// The three labels that every series of a target carries.
pub fn of_target(target: &Target) -> String {
    let mut labels = String::new();
    for (prefix, value) in [
        ("account=\"", &target.account),
        ("\",region_id=\"", &target.region_id),
        ("\",product=\"", &target.product),
    ] {
        labels.push_str(prefix);
        escape_into(&mut labels, value);
    }
    labels.push('"');
    labels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_become_label_names_character_by_character() {
        for (key, name) in [
            ("owner", Some("tag_owner")),
            ("cost-center", Some("tag_cost_center")),
            ("acs:rm:id", Some("tag_acs_rm_id")),
            ("1st", Some("tag_1st")),
            ("成本x", Some("tag___x")),
            ("负责人", None),
            ("--", None),
            ("", None),
        ] {
            assert_eq!(label_name(key).as_deref(), name, "{key:?}");
        }
    }

    /// What a reader of the text format makes of an escaped value.
    fn unescape(text: &str) -> String {
        let mut value = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some(c) => value.push(c),
                    None => panic!("a lone backslash at the end of {text:?}"),
                },
                c => value.push(c),
            }
        }
        value
    }

    proptest! {
        #[test]
        fn an_escaped_value_reads_back_as_it_was(value in any::<String>()) {
            let mut text = String::new();
            escape_into(&mut text, &value);
            prop_assert!(!text.contains('\n'));
            prop_assert!(!text.replace(r"\\", "").replace(r#"\""#, "").contains('"'));
            prop_assert_eq!(unescape(&text), value);
        }

        #[test]
        fn a_label_name_is_one_that_prometheus_takes(key in any::<String>()) {
            if let Some(name) = label_name(&key) {
                prop_assert!(is_label_part(&name));
            }
        }
    }
}
