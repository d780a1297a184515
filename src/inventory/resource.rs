//! One resource, tagged or not.

use std::sync::Arc;

use globset::GlobSet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tags::tags_where;
use super::{Keys, Tags};

/// One resource as the cloud lists it. A field that the cloud leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub resource_group_id: Arc<str>,
    pub status: Arc<str>,
    /// `None` if the cloud gives no valid time.
    pub created_at: Option<Timestamp>,
    /// Without those whose keys are excluded.
    pub tags: Tags,
    /// Those whose keys are excluded: the cloud's own.
    pub system_tags: Tags,
    /// Where the cloud's answers about the tags could not be read: the tags above are the last known ones.
    pub unread: Option<Unread>,
}

/// Tags that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    pub since: Timestamp,
    /// No tags of the resource have ever been read.
    pub never_read: bool,
}

impl Resource {
    /// A resource of which only the id is known.
    pub fn new(id: &str) -> Self {
        let empty: Arc<str> = Arc::default();
        Self {
            id: id.into(),
            name: Arc::clone(&empty),
            resource_group_id: Arc::clone(&empty),
            status: empty,
            created_at: None,
            tags: Tags::default(),
            system_tags: Tags::default(),
            unread: None,
        }
    }

    /// Whether its tags are known: the current ones, or those before they could not be read.
    pub fn has_known_tags(&self) -> bool {
        self.unread.is_none_or(|unread| !unread.never_read)
    }

    /// The same with its tags split by other excluded keys; `None` where that changes nothing.
    fn split_again(&self, system: &mut Keys<'_>) -> Option<Self> {
        let is_right = self.tags.iter().all(|(key, _)| !system.has(key))
            && self.system_tags.iter().all(|(key, _)| system.has(key));
        if is_right {
            return None;
        }
        let all = || self.tags.iter().chain(self.system_tags.iter());
        Some(Self {
            tags: tags_where(all(), |key| !system.has(key)),
            system_tags: tags_where(all(), |key| system.has(key)),
            ..self.clone()
        })
    }
}

/// Resources with their tags split by `system_keys`: the very same ones where that changes nothing.
pub fn split_again(resources: &Arc<[Resource]>, system_keys: &GlobSet) -> Arc<[Resource]> {
    let mut system = Keys::of(system_keys);
    let split: Vec<_> = resources.iter().map(|resource| resource.split_again(&mut system)).collect();
    if split.iter().all(Option::is_none) {
        return Arc::clone(resources);
    }
    let both = split.into_iter().zip(resources.iter());
    both.map(|(split, before)| split.unwrap_or_else(|| before.clone())).collect()
}

#[cfg(test)]
mod tests {
    use globset::Glob;

    use super::*;
    use crate::inventory::tags_of;

    fn globs(glob: &str) -> GlobSet {
        GlobSet::builder().add(Glob::new(glob).unwrap()).build().unwrap()
    }

    #[test]
    fn tags_are_split_by_other_keys_and_back_without_a_loss() {
        let tags = tags_of([("acs:x", "1"), ("owner", "2"), ("temp", "3")]);
        let first: Arc<[_]> = [Resource { tags: tags.clone(), ..Resource::new("hb-1") }].into();
        let split = split_again(&first, &globs("acs:*"));
        assert_eq!(split[0].tags, tags_of([("owner", "2"), ("temp", "3")]));
        assert_eq!(split[0].system_tags, tags_of([("acs:x", "1")]));
        let other = split_again(&split, &globs("temp"));
        assert_eq!(other[0].system_tags, tags_of([("temp", "3")]));
        assert_eq!(split_again(&other, &GlobSet::empty())[0].tags, tags);
        assert!(Arc::ptr_eq(&split, &split_again(&split, &globs("acs:*"))));
    }
}
