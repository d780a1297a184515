//! Reads the cloud's answers by the catalog's paths: liberal in what may be absent, strict about what would make
//! an answer look like less than it is. Pure.

use std::sync::Arc;

use serde_json_borrow::Value;

use crate::cloud::catalog::{Path, ResourceListing, TagListing};
use crate::inventory::{Interner, Pair, Resource, Tags};

/// One page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The number of all resources, where the answer has it.
    pub total: Option<usize>,
    /// `None` on the last page.
    pub next_token: Option<String>,
}

/// A row of the resource listing.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its tags are not joined to it yet.
    pub resource: Resource,
    /// The tags that the row shows; empty where it shows none.
    pub inline: Tags,
}

/// A row of the tag listing.
#[derive(Debug)]
pub struct Tagged {
    pub resource_id: Arc<str>,
    pub pair: Pair,
}

/// A page of the resource listing. An error says what is not as it should be.
pub fn described(
    listing: &ResourceListing,
    total: Option<&Path>,
    answer: &Value<'_>,
    interner: &Interner,
) -> Result<Page<Described>, String> {
    let total = total.map(|path| count(answer, path)).transpose()?;
    let rows = match items(answer, &listing.items) {
        Err(_) if total == Some(0) => Vec::new(),
        rows => rows?.iter().map(|row| describe(listing, row, interner)).collect::<Result<_, _>>()?,
    };
    Ok(Page { rows, total, next_token: next_token(answer)? })
}

/// A page of the tag listing.
pub fn tagged(listing: &TagListing, answer: &Value<'_>, interner: &Interner) -> Result<Page<Tagged>, String> {
    let rows = items(answer, &listing.items)?.iter().map(|row| tag_row(row, interner));
    Ok(Page { rows: rows.collect::<Result<_, _>>()?, total: None, next_token: next_token(answer)? })
}

fn describe(listing: &ResourceListing, row: &Value<'_>, interner: &Interner) -> Result<Described, String> {
    let text = |paths| Ok::<_, String>(interner.share(first_text(row, paths)?));
    let id = text(&listing.id)?;
    if id.is_empty() {
        return Err(format!("a row of {} without {}", listing.items, listing.id[0]));
    }
    let resource = Resource {
        id,
        name: text(&listing.name)?,
        resource_group_id: text(&listing.resource_group_id)?,
        status: text(&listing.status)?,
        created_at: first_text(row, &listing.created_at)?.parse().ok(),
        tags: Tags::default(),
        system_tags: Tags::default(),
    };
    let inline =
        listing.inline_tags.as_ref().map_or(Ok(Vec::new()), |path| inline_tags(row, path, interner))?;
    Ok(Described { resource, inline: interner.share_tags(inline) })
}

/// Tags in a row. No tags at all is how untagged resources may look there: official clients read it so.
fn inline_tags(row: &Value<'_>, path: &Path, interner: &Interner) -> Result<Vec<Pair>, String> {
    match at(row, path) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(pairs)) => pairs.iter().map(|row| pair(row, interner)).collect(),
        Some(_) => Err(format!("{path} is no list")),
    }
}

fn tag_row(row: &Value<'_>, interner: &Interner) -> Result<Tagged, String> {
    let resource_id = interner.share(text(row, "ResourceId")?.ok_or("a tag without ResourceId")?);
    Ok(Tagged { resource_id, pair: pair(row, interner)? })
}

/// Key and value; products spell them in two ways. A tag may have no value.
fn pair(row: &Value<'_>, interner: &Interner) -> Result<Pair, String> {
    let either = |long, short| Ok::<_, String>(text(row, long)?.or(text(row, short)?));
    let key = either("TagKey", "Key")?.ok_or("a tag without a key")?;
    let value = either("TagValue", "Value")?.unwrap_or_default();
    Ok((interner.share(key), interner.share(value)))
}

/// The list at `path`.
pub(super) fn items<'a>(answer: &'a Value<'a>, path: &Path) -> Result<&'a [Value<'a>], String> {
    at(answer, path).and_then(Value::as_array).ok_or_else(|| format!("no list at {path}"))
}

fn count(answer: &Value<'_>, path: &Path) -> Result<usize, String> {
    let number = at(answer, path).and_then(|value| match value {
        Value::Str(digits) => digits.parse().ok(),
        _ => value.as_u64().and_then(|number| usize::try_from(number).ok()),
    });
    number.ok_or_else(|| format!("no number at {path}"))
}

/// Absent, null and empty all mean that this was the last page. A token is passed back as it is.
fn next_token(answer: &Value<'_>) -> Result<Option<String>, String> {
    Ok(text(answer, "NextToken")?.filter(|token| !token.is_empty()).map(str::to_owned))
}

fn first_text<'a>(row: &'a Value<'a>, paths: &[Path]) -> Result<&'a str, String> {
    for path in paths {
        match at(row, path) {
            None | Some(Value::Null) => continue,
            Some(Value::Str(text)) if text.is_empty() => continue,
            Some(Value::Str(text)) => return Ok(text),
            Some(_) => return Err(format!("{path} is no text")),
        }
    }
    Ok("")
}

/// The text at `path`, where there is one.
pub(super) fn text_at<'a>(row: &'a Value<'a>, path: &Path) -> Option<&'a str> {
    at(row, path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn text<'a>(row: &'a Value<'a>, name: &str) -> Result<Option<&'a str>, String> {
    match field(row, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is no text")),
    }
}

fn at<'a>(value: &'a Value<'a>, path: &Path) -> Option<&'a Value<'a>> {
    path.names().iter().try_fold(value, |value, name| field(value, name))
}

fn field<'a>(value: &'a Value<'a>, name: &str) -> Option<&'a Value<'a>> {
    value.as_object()?.get(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cloud::catalog::products;
    use crate::inventory::tags_of;

    fn read(answer: Value) -> Result<Page<Described>, String> {
        described(
            &products()["hbase"].resources,
            Some(&"TotalCount".to_owned().into()),
            &parsed(&answer.to_string()),
            &Interner::seeded(&[]),
        )
    }

    fn parsed(text: &str) -> super::Value<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_row_is_read_by_the_catalogs_paths() {
        let page = read(json!({"TotalCount": 1, "Instances": {"Instance": [{
            "InstanceId": "hb-1", "ClusterId": "hb-other", "InstanceName": "a", "Status": "ACTIVATION",
            "CreatedTimeUTC": "2019-09-12T14:40:46Z", "Tags": {"Tag": [{"Key": "k", "Value": ""}]},
        }]}}));
        let Described { resource: row, inline } = &page.unwrap().rows[0];
        assert_eq!((&*row.id, &*row.name, &*row.resource_group_id), ("hb-1", "a", ""));
        assert_eq!(row.created_at.unwrap().as_second(), 1_568_299_246);
        assert_eq!(*inline, tags_of([("k", "")]));
    }

    #[test]
    fn the_cluster_id_stands_in_for_a_missing_instance_id() {
        let page = read(json!({"TotalCount": 1, "Instances": {"Instance": [{"ClusterId": "hb-2"}]}}));
        assert_eq!(page.unwrap().rows[0].resource.id, "hb-2".into());
    }

    #[test]
    fn a_creation_time_without_a_zone_is_unknown() {
        for time in ["2019-09-12 14:40:46", "2019-09-12T14:40:46", "soon", ""] {
            let page = read(json!({"TotalCount": 1, "Instances": {"Instance": [
                {"InstanceId": "hb-1", "CreatedTimeUTC": time}]}}));
            assert_eq!(page.unwrap().rows[0].resource.created_at, None, "{time}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_never_an_empty_listing() {
        for answer in [
            json!({}),
            json!({"TotalCount": 3}),
            json!({"Instances": {"Instance": []}}),
            json!({"TotalCount": null, "Instances": {"Instance": []}}),
            json!({"TotalCount": -1, "Instances": {"Instance": []}}),
            json!({"TotalCount": 1, "Instances": []}),
            json!({"TotalCount": 1, "Instances": {"Instance": {}}}),
            json!({"TotalCount": 1, "Instances": {"Instance": [{"Status": "ACTIVATION"}]}}),
            json!({"TotalCount": 1, "Instances": {"Instance": [{"InstanceId": 7}]}}),
            json!({"TotalCount": 1, "Instances": {"Instance": [{"InstanceId": "a", "Tags": {"Tag": {}}}]}}),
        ] {
            assert!(read(answer.clone()).is_err(), "{answer}");
        }
        let listing = &products()["hbase"].tags;
        for answer in [
            json!({}),
            json!({"TagResources": []}),
            json!({"TagResources": null}),
            json!({"TagResources": {"TagResource": [{"TagKey": "k"}]}}),
            json!({"TagResources": {"TagResource": [{"ResourceId": "i", "TagValue": "v"}]}}),
            json!({"TagResources": {"TagResource": []}, "NextToken": 7}),
        ] {
            assert!(
                tagged(listing, &parsed(&answer.to_string()), &Interner::seeded(&[])).is_err(),
                "{answer}"
            );
        }
    }

    #[test]
    fn a_count_of_zero_needs_no_list() {
        assert!(read(json!({"TotalCount": 0})).unwrap().rows.is_empty());
        assert!(read(json!({"TotalCount": "0", "Instances": {}})).unwrap().rows.is_empty());
    }

    #[test]
    fn absent_null_and_empty_tokens_end_a_listing_and_others_stay_verbatim() {
        let token = |token: Value| {
            let answer = json!({"TagResources": {"TagResource": []}, "NextToken": token});
            tagged(&products()["hbase"].tags, &parsed(&answer.to_string()), &Interner::seeded(&[]))
                .unwrap()
                .next_token
        };
        assert_eq!(token(Value::Null), None);
        assert_eq!(token(json!("")), None);
        assert_eq!(token(json!(" a\n")), Some(" a\n".to_owned()));
    }

    #[test]
    fn a_tag_without_a_value_is_a_tag_with_an_empty_one() {
        let answer = json!({"TagResources": {"TagResource": [{"ResourceId": "i", "TagKey": "k"}]}});
        let page =
            tagged(&products()["hbase"].tags, &parsed(&answer.to_string()), &Interner::seeded(&[])).unwrap();
        assert_eq!(*page.rows[0].pair.1, *"");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "Instances",
            "Instance",
            "TotalCount",
            "InstanceId",
            "Tags",
            "Tag",
            "Key",
            "NextToken",
        ]);
        let leaf = prop_oneof![Just(Value::Null), Just(json!(0)), Just(json!(1)), Just(json!("x"))];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused_and_empty_only_when_it_says_so(answer in any_json()) {
            if let Ok(page) = read(answer.clone()) && page.rows.is_empty() {
                let said_so = answer.pointer("/Instances/Instance") == Some(&json!([]));
                prop_assert!(said_so || page.total == Some(0), "{answer}");
            }
        }
    }
}
