//! The tags of a row, and rows that are tags.

use std::borrow::Cow;

use serde_json_borrow::Value;

use super::{Tagged, at, text};
use crate::cloud::api::NO_CHARACTER;
use crate::cloud::catalog::{ResourceListing, TagsAs};
use crate::inventory::{Interner, Pair};

/// Tags in a row. No tags at all is how untagged resources may look there: official clients read it so.
pub(super) fn inline_tags(
    listing: &ResourceListing,
    row: &Value<'_>,
    interner: &Interner,
) -> Result<Vec<Option<Pair>>, String> {
    let Some(path) = &listing.inline_tags else { return Ok(Vec::new()) };
    match (listing.inline_tags_as, at(row, path)) {
        (_, None | Some(Value::Null)) => Ok(Vec::new()),
        (TagsAs::List, Some(Value::Array(pairs))) => pairs.iter().map(|row| pair(row, interner)).collect(),
        (TagsAs::Map, Some(Value::Object(pairs))) => {
            pairs.iter().map(|(key, value)| map_entry(key, value, interner)).collect()
        }
        (TagsAs::List, Some(_)) => Err(format!("{path} is not a list")),
        (TagsAs::Map, Some(_)) => Err(format!("{path} is not a map")),
    }
}

/// A tag in a map of keys to values, where a value may be a number.
fn map_entry(key: &str, value: &Value<'_>, interner: &Interner) -> Result<Option<Pair>, String> {
    let value = match value {
        Value::Null => Cow::Borrowed(""),
        Value::Str(text) => Cow::Borrowed(&**text),
        Value::Number(number) => Cow::Owned(number.to_string()),
        _ => return Err(format!("the value of tag {key:?} is not a string")),
    };
    Ok(readable_pair(key, &value, interner))
}

/// `None` for a tag with what is no character in it.
fn readable_pair(key: &str, value: &str, interner: &Interner) -> Option<Pair> {
    let is_readable = !key.contains(NO_CHARACTER) && !value.contains(NO_CHARACTER);
    is_readable.then(|| (interner.share(key), interner.share(value)))
}

/// `tag` may be the row itself.
pub(super) fn tag_row(row: &Value<'_>, tag: &Value<'_>, interner: &Interner) -> Result<Tagged, String> {
    let resource_id = interner.share(text(row, "ResourceId")?.ok_or("a tag without ResourceId")?);
    Ok(Tagged { resource_id, pair: pair(tag, interner)? })
}

/// Key and value; products spell them in two ways. A tag may have no value. `None` where a text is not a text.
fn pair(row: &Value<'_>, interner: &Interner) -> Result<Option<Pair>, String> {
    let either = |long, short| Ok::<_, String>(text(row, long)?.or(text(row, short)?));
    let key = either("TagKey", "Key")?.ok_or("a tag without a key")?;
    let value = either("TagValue", "Value")?.unwrap_or_default();
    Ok(readable_pair(key, value, interner))
}
