//! Reads the cloud's answers by the catalog's paths: liberal in what may be absent, strict about what would make
//! an answer look like less than it is. Pure.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json_borrow::Value;

use crate::cloud::api::{NO_CHARACTER, error_code};
use crate::cloud::catalog::{CreatedAs, Path, ResourceListing, TagListing};
use crate::inventory::{Interner, Pair, Resource, Tags};

mod tags;

use tags::{inline_tags, tag_row};

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
    /// Whether all of these tags could be read.
    pub is_readable: bool,
    pub place: Place,
}

/// Whether a row belongs to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Here,
    /// The row names another region.
    OtherRegion,
    /// The row says that the resource is deleted.
    Deleted,
}

/// A row of the tag listing.
#[derive(Debug)]
pub struct Tagged {
    pub resource_id: Arc<str>,
    /// `None` where it cannot be read.
    pub pair: Option<Pair>,
}

/// A page of the resource listing of `region`. An error says what is not as it should be.
pub fn described(
    listing: &ResourceListing,
    region: &str,
    answer: &Value<'_>,
    interner: &Interner,
) -> Result<Page<Described>, String> {
    let total = listing.paging.total().map(|path| count(answer, path)).transpose()?;
    let rows = match items(answer, &listing.items) {
        Err(_) if total == Some(0) && error_code(answer).is_none() => Vec::new(),
        rows => rows?.iter().map(|row| describe(listing, region, row, interner)).collect::<Result<_, _>>()?,
    };
    Ok(Page { rows, total, next_token: next_token(answer)? })
}

/// A page of the tag listing.
pub fn tagged(listing: &TagListing, answer: &Value<'_>, interner: &Interner) -> Result<Page<Tagged>, String> {
    let mut rows = Vec::new();
    for row in items(answer, &listing.items)? {
        match &listing.nested {
            None => rows.push(tag_row(row, row, interner)?),
            Some(path) => {
                for tag in items(row, path)? {
                    rows.push(tag_row(row, tag, interner)?);
                }
            }
        }
    }
    let is_last = |token: &String| listing.last_token.as_ref() == Some(token);
    let next_token = next_token(answer)?.filter(|token| !is_last(token));
    Ok(Page { rows, total: None, next_token })
}

fn describe(
    listing: &ResourceListing,
    region: &str,
    row: &Value<'_>,
    interner: &Interner,
) -> Result<Described, String> {
    let text = |paths| Ok::<_, String>(interner.share(&readable(first_text(row, paths)?)));
    let id = text(&listing.id)?;
    if id.is_empty() {
        return Err(format!("a row of {} without {}", listing.items, listing.id[0]));
    }
    let resource = Resource {
        id,
        name: text(&listing.name)?,
        resource_group_id: text(&listing.resource_group_id)?,
        status: interner.share(&first_word(row, &listing.status)?),
        created_at: created_at(listing, row)?,
        ..Resource::new("")
    };
    let pairs = inline_tags(listing, row, interner)?;
    let is_readable = pairs.iter().all(Option::is_some);
    let inline = interner.share_tags(pairs.into_iter().flatten());
    Ok(Described { resource, inline, is_readable, place: place(listing, region, row)? })
}

/// The text with the usual mark for what is no character.
fn readable(text: &str) -> Cow<'_, str> {
    match text.contains(NO_CHARACTER) {
        true => text.replace(NO_CHARACTER, "\u{fffd}").into(),
        false => text.into(),
    }
}

fn place(listing: &ResourceListing, region: &str, row: &Value<'_>) -> Result<Place, String> {
    let deleted = listing.lookup.as_ref().and_then(|lookup| at(row, lookup.deleted.as_ref()?));
    let named = first_text(row, &listing.region)?;
    Ok(match deleted {
        Some(Value::Bool(true)) => Place::Deleted,
        Some(Value::Str(text)) if text.eq_ignore_ascii_case("true") => Place::Deleted,
        _ if named.is_empty() || named == region => Place::Here,
        _ => Place::OtherRegion,
    })
}

/// A local time without a zone, and a text that is no time, are unknown.
fn created_at(listing: &ResourceListing, row: &Value<'_>) -> Result<Option<Timestamp>, String> {
    let text = match listing.created_as {
        CreatedAs::Rfc3339 => return Ok(first_text(row, &listing.created_at)?.parse().ok()),
        CreatedAs::EpochS | CreatedAs::EpochMs => first_word(row, &listing.created_at)?,
    };
    let number = text.parse::<i64>().ok().filter(|number| *number > 0);
    Ok(number.and_then(|number| match listing.created_as {
        CreatedAs::EpochS => Timestamp::from_second(number).ok(),
        _ => Timestamp::from_millisecond(number).ok(),
    }))
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
            Some(_) => return Err(format!("{path} is not a string")),
        }
    }
    Ok("")
}

/// The same for values that some products write as numbers.
fn first_word<'a>(row: &'a Value<'a>, paths: &[Path]) -> Result<Cow<'a, str>, String> {
    for path in paths {
        match at(row, path) {
            Some(Value::Number(number)) => return Ok(Cow::Owned(number.to_string())),
            _ => match first_text(row, std::slice::from_ref(path))? {
                "" => continue,
                text => return Ok(Cow::Borrowed(text)),
            },
        }
    }
    Ok(Cow::Borrowed(""))
}

/// The text at `path`, where there is one.
pub(super) fn text_at<'a>(row: &'a Value<'a>, path: &Path) -> Option<&'a str> {
    at(row, path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn text<'a>(row: &'a Value<'a>, name: &str) -> Result<Option<&'a str>, String> {
    match field(row, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is not a string")),
    }
}

pub(super) fn at<'a>(value: &'a Value<'a>, path: &Path) -> Option<&'a Value<'a>> {
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
    use crate::cloud::catalog::{Catalog, Product};
    use crate::inventory::tags_of;

    fn hbase() -> Arc<Product> {
        Arc::clone(Catalog::builtin().product("hbase").unwrap())
    }

    fn read(answer: Value) -> Result<Page<Described>, String> {
        read_as(&hbase().resources, answer)
    }

    fn read_as(listing: &ResourceListing, answer: Value) -> Result<Page<Described>, String> {
        described(listing, "r1", &parsed(&answer.to_string()), &Interner::seeded(&[]))
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
        let Described { resource: row, inline, .. } = &page.unwrap().rows[0];
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
        let listing = &hbase().tags.clone().unwrap();
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
            tagged(&hbase().tags.clone().unwrap(), &parsed(&answer.to_string()), &Interner::seeded(&[]))
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
            tagged(&hbase().tags.clone().unwrap(), &parsed(&answer.to_string()), &Interner::seeded(&[]))
                .unwrap();
        assert_eq!(*page.rows[0].pair.as_ref().unwrap().1, *"");
    }

    /// Listings and rows of products of other shapes: what is read of the only row.
    #[test]
    fn rows_are_read_by_the_form_of_their_product() {
        let form = r#"
            action = "ListThings"
            paging = { style = "none" }
            items = "Data.Things"
            id = ["Id"]
            name = ["Name"]
            status = ["Status"]
            resource_group_id = []
            created_at = ["Created"]
            region = ["RegionId"]
            inline_tags = "Tags"
        "#;
        let millis = format!("{form}created_as = \"epoch-ms\"");
        let seconds = format!("{form}created_as = \"epoch-s\"");
        let lookup =
            format!("{form}lookup = {{ parameters = {{ Id = \"{{id}}\" }}, deleted = \"Deleted\" }}");
        let map = format!("{form}inline_tags_as = \"map\"");
        for (form, more, expected) in [
            (&*map, r#""Tags":[]"#, "Tags is not a map"),
            (&map, r#""Tags":{"k":[]}"#, "the value of tag \"k\" is not a string"),
            (&map, r#""Tags":{"k":"v","n":7,"e":null}"#, " Here - e= k=v n=7"),
            (form, r#""Status":5"#, "5 Here -"),
            (form, r#""Status":"5","RegionId":"r1""#, "5 Here -"),
            (form, r#""RegionId":"r2""#, " OtherRegion -"),
            (form, r#""RegionId":"""#, " Here -"),
            (form, r#""RegionId":7"#, "RegionId is not a string"),
            (form, r#""Status":true"#, "Status is not a string"),
            (form, r#""Tags":{}"#, "Tags is not a list"),
            (form, r#""Tags":[{"TagKey":"k","TagValue":"v"}]"#, " Here - k=v"),
            (form, r#""Created":"2017-12-10T04:04Z""#, " Here 2017-12-10T04:04:00Z"),
            (form, r#""Created":"2021-03-25T10:18:00+0800""#, " Here 2021-03-25T02:18:00Z"),
            (form, r#""Created":"2021-03-25 10:18:00""#, " Here -"),
            (form, r#""Deleted":true"#, " Here -"),
            (&lookup, r#""Deleted":true"#, " Deleted -"),
            (&lookup, r#""Deleted":"true""#, " Deleted -"),
            (&lookup, r#""Deleted":false"#, " Here -"),
            (&millis, r#""Created":1568299246000"#, " Here 2019-09-12T14:40:46Z"),
            (&millis, r#""Created":"1568299246000""#, " Here 2019-09-12T14:40:46Z"),
            (&seconds, r#""Created":1568299246"#, " Here 2019-09-12T14:40:46Z"),
            (&seconds, r#""Created":"1568299246""#, " Here 2019-09-12T14:40:46Z"),
            (&seconds, r#""Created":"soon""#, " Here -"),
            (&seconds, r#""Created":0"#, " Here -"),
            (&seconds, r#""Created":99999999999999"#, " Here -"),
        ] {
            let listing: ResourceListing = toml::from_str(form).unwrap();
            let answer = format!(r#"{{"Data":{{"Things":[{{"Id":"i-1",{more}}}]}}}}"#);
            let read = described(&listing, "r1", &parsed(&answer), &Interner::seeded(&[])).map(|page| {
                let Described { resource, place, inline, .. } = &page.rows[0];
                let created = resource.created_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
                let tags: String = inline.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                format!("{} {place:?} {created}{tags}", resource.status)
            });
            assert_eq!(read.unwrap_or_else(|problem| problem), expected, "{more}");
        }
    }

    #[test]
    fn a_count_of_zero_beside_an_error_code_is_no_empty_listing() {
        assert!(read(json!({"TotalCount": 0, "Code": "Throttling.User"})).is_err());
        assert!(read(json!({"TotalCount": 0, "Code": "200"})).is_ok());
    }

    #[test]
    fn tag_rows_are_read_by_the_form_of_their_product() {
        let form = r#"
            action = "ListTagResources"
            items = "TagResources"
            ids_per_request = 50
        "#;
        let nested = format!("{form}nested = \"Tag\"");
        let last = format!("{form}last_token = \"-1\"");
        for (form, answer, expected) in [
            (form, r#"{"TagResources":[{"ResourceId":"i","Key":"k","Value":"v"}]}"#, "i/k=v next None"),
            (form, r#"{"TagResources":[],"NextToken":"-1"}"#, " next Some(\"-1\")"),
            (&last, r#"{"TagResources":[],"NextToken":"-1"}"#, " next None"),
            (&last, r#"{"TagResources":[],"NextToken":"t"}"#, " next Some(\"t\")"),
            (
                &nested,
                r#"{"TagResources":[{"ResourceId":"i","Tag":[{"Key":"k","Value":"v"},{"Key":"l"}]},{"ResourceId":"j","Tag":[]}]}"#,
                "i/k=v i/l= next None",
            ),
            (&nested, r#"{"TagResources":[{"ResourceId":"i"}]}"#, "no list at Tag"),
            (&nested, r#"{"TagResources":[{"Tag":[{"Key":"k"}]}]}"#, "a tag without ResourceId"),
        ] {
            let listing: TagListing = toml::from_str(form).unwrap();
            let read = tagged(&listing, &parsed(answer), &Interner::seeded(&[])).map(|page| {
                let row = |Tagged { resource_id, pair }: &Tagged| {
                    let (key, value) = pair.as_ref().unwrap();
                    format!("{resource_id}/{key}={value}")
                };
                let rows: Vec<_> = page.rows.iter().map(row).collect();
                format!("{} next {:?}", rows.join(" "), page.next_token)
            });
            assert_eq!(read.unwrap_or_else(|problem| problem), expected, "{answer}");
        }
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
