//! The tags of one resource: compact, sorted by key, each key once.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Key and value pairs in the order of their keys. Equal texts of one listing are shared, and so are equal sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tags(Arc<[Pair]>);

/// Key and value.
pub type Pair = (Arc<str>, Arc<str>);

impl Tags {
    /// Of what [`sorted`] gave.
    pub(super) fn of_sorted(pairs: Vec<Pair>) -> Self {
        Self(pairs.into())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
        Some(&self.0[found].1)
    }

    /// Whether there is a tag `wanted`: its key, or its key, `=` and its value. Both may hold more of `=`.
    pub fn has(&self, wanted: &str) -> bool {
        self.iter().any(|(key, value)| match wanted.strip_prefix(&**key) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('=') == Some(value),
            None => false,
        })
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Arc<str>)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Pairs as tags hold them: sorted by key. Where a key comes twice, its last value counts.
pub(super) fn sorted(pairs: impl IntoIterator<Item = Pair>) -> Vec<Pair> {
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    // The order among equals stays, and the first of them is kept.
    pairs.reverse();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    pairs.dedup_by(|one, other| one.0 == other.0);
    pairs
}

impl FromIterator<Pair> for Tags {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self::of_sorted(sorted(pairs))
    }
}

/// The pairs whose keys `wanted` names.
pub(super) fn tags_where<'a>(
    pairs: impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>)>,
    mut wanted: impl FnMut(&Arc<str>) -> bool,
) -> Tags {
    let kept = pairs.filter(|(key, _)| wanted(key));
    kept.map(|(key, value)| (Arc::clone(key), Arc::clone(value))).collect()
}

/// Equal tags have equal hashes with their pairs: the derived ones are those of the pairs.
impl Borrow<[Pair]> for Tags {
    fn borrow(&self) -> &[Pair] {
        &self.0
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Tags from texts.
#[cfg(test)]
pub fn tags_of<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_the_last_value_of_a_key_counts() {
        let tags = tags_of([("b", "1"), ("a", "2"), ("b", "3")]);
        let pairs: Vec<_> = tags.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("a", "2"), ("b", "3")]);
        assert_eq!(tags.get("b"), Some("3"));
        assert_eq!(tags.get("c"), None);
    }
}
