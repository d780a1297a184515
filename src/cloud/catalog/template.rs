//! Values of request parameters with `{region}` and `{id}` in them. Pure.

use std::collections::BTreeMap;

/// Request parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// `template` with its placeholders replaced. In a template that is JSON, the id is escaped as in a JSON string.
pub fn filled(template: &str, region: &str, id: Option<&str>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some(after) = rest.strip_prefix("{region}") {
            text.push_str(region);
            rest = after;
        } else if let (Some(after), Some(id)) = (rest.strip_prefix("{id}"), id) {
            text.push_str(&if is_json(template) { escaped(id) } else { id.to_owned() });
            rest = after;
        } else {
            text.push('{');
            rest = &rest[1..];
        }
    }
    text + rest
}

/// The names in braces, such as `region`; JSON objects have none.
pub(super) fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).filter(is_name)
}

fn is_json(template: &str) -> bool {
    template.starts_with('[') || template.starts_with("{\"")
}

fn escaped(id: &str) -> String {
    let quoted = serde_json::Value::from(id).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_once_and_an_id_is_escaped_in_json_only() {
        for (template, id, expected) in [
            ("{region}", None, "cn-x"),
            ("{id}", Some("i-1"), "i-1"),
            ("{id}", Some("{region}"), "{region}"),
            ("acs:{region}:{id}", Some("i-1"), "acs:cn-x:i-1"),
            (r#"["{id}"]"#, Some(r#"a"b\"#), r#"["a\"b\\"]"#),
            (r#"{"Ids":["{id}"]}"#, Some(r#"a"b"#), r#"{"Ids":["a\"b"]}"#),
            ("{id}", Some(r#"a"b"#), r#"a"b"#),
            (
                r#"[{"Key":"CreatorType","Values":["User"]}]"#,
                None,
                r#"[{"Key":"CreatorType","Values":["User"]}]"#,
            ),
            ("{id}", None, "{id}"),
            ("100%{", Some("i-1"), "100%{"),
        ] {
            assert_eq!(filled(template, "cn-x", id), expected, "{template} {id:?}");
        }
    }

    #[test]
    fn names_in_braces_are_placeholders_and_json_is_not() {
        let of = |template| placeholders(template).collect::<Vec<_>>();
        assert_eq!(of("{region}/{zone}"), ["region", "zone"]);
        assert_eq!(of(r#"[{"Key":"CreatorType","Values":["{id}"]}]"#), ["id"]);
        assert_eq!(of("{}"), [""; 0]);
    }
}
