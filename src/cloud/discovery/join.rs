//! Resources and their tags, joined. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use globset::GlobSet;

use super::decode::Described;
use super::{Ids, Rows};
use crate::inventory::{Interner, Keys, Resource, Tags};

/// Resource id to its tags as listed.
pub(super) type TagsById = HashMap<Arc<str>, Tags, RandomState>;

/// What was read of the tags.
#[derive(Default)]
pub(super) struct ReadTags {
    pub tags: TagsById,
    /// Those whose tags cannot be read, or contradict each other.
    pub unreadable: Ids,
    /// Listed ones that a lookup proved gone since.
    pub gone: Ids,
}

impl ReadTags {
    /// Takes rows out that are gone.
    pub fn take_out(&mut self, gone: Ids, rows: &mut Rows) {
        gone.iter().for_each(|id| _ = rows.remove(id));
        self.gone.extend(gone);
    }
}

/// Every row with its tags, sorted by id; tags of ids that are no rows are left out.
pub(super) fn join(
    rows: Rows,
    mut tags: TagsById,
    system_keys: &GlobSet,
    interner: &Interner,
) -> Arc<[Resource]> {
    let mut system = Keys::of(system_keys);
    let with_tags = |(id, row): (Arc<str>, Described)| {
        let all = tags.remove(&id).unwrap_or_default();
        if !all.iter().any(|(key, _)| system.has(key)) {
            return Resource { tags: all, ..row.resource };
        }
        let pairs = all.iter().map(|(key, value)| (Arc::clone(key), Arc::clone(value)));
        let (system, user): (Vec<_>, Vec<_>) = pairs.partition(|(key, _)| system.has(key));
        Resource { tags: interner.share_tags(user), system_tags: interner.share_tags(system), ..row.resource }
    };
    rows.into_iter().map(with_tags).collect()
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSetBuilder};
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::discovery::decode::Place;
    use crate::inventory::tags_of;

    fn rows(ids: impl IntoIterator<Item = String>) -> Rows {
        let row = |id: String| {
            let id: Arc<str> = id.into();
            let resource = Resource::new(&id);
            let (inline, place) = (Tags::default(), Place::Here);
            (id, Described { resource, inline, is_readable: true, place })
        };
        ids.into_iter().map(row).collect()
    }

    fn system_keys() -> GlobSet {
        GlobSetBuilder::new().add(Glob::new("acs:*").unwrap()).build().unwrap()
    }

    #[test]
    fn excluded_keys_become_system_tags() {
        let tags = [("hb-1".into(), tags_of([("owner", "v"), ("acs:rm:x", "v")]))];
        let tags = TagsById::from_iter(tags);
        let joined = join(rows(["hb-1".to_owned()]), tags, &system_keys(), &Interner::seeded(&[]));
        assert_eq!(joined[0].tags, tags_of([("owner", "v")]));
        assert_eq!(joined[0].system_tags, tags_of([("acs:rm:x", "v")]));
    }

    proptest! {
        #[test]
        fn every_row_is_there_once_with_its_tags_and_no_other_row_is(
            listed in prop::collection::btree_set("[a-d]{1,2}", 0..8),
            tagged in prop::collection::btree_map("[a-e]{1,2}", "[xy]", 0..8),
        ) {
            let tags = tagged.iter().map(|(id, key)| {
                (Arc::from(id.as_str()), tags_of([(key, "")]))
            });
            let interner = Interner::seeded(&[]);
            let joined = join(rows(listed.iter().cloned()), tags.collect(), &system_keys(), &interner);
            let ids: Vec<_> = joined.iter().map(|resource| resource.id.to_string()).collect();
            prop_assert_eq!(ids, listed.into_iter().collect::<Vec<_>>());
            for resource in joined.iter() {
                let key = tagged.get(&*resource.id);
                prop_assert_eq!(resource.tags.len(), usize::from(key.is_some()));
                prop_assert!(key.is_none_or(|key| resource.tags.get(key).is_some()));
            }
        }
    }
}
