//! Two successive inventories of one target → what changed. Pure.
//!
//! The first listing is a baseline, a failed collection is no listing, and tags with excluded keys are not looked
//! at: none of them is a change.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use crate::inventory::{Known, Resource, Tags, Target};

/// One difference. It came about between `previous_at` and `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub target: Target,
    /// The start of the collection before: what it read may have been older than its end.
    pub previous_at: Timestamp,
    /// The end of the collection that found it.
    pub at: Timestamp,
    pub resource_id: Arc<str>,
    pub kind: ChangeKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    ResourceAppeared,
    ResourceDisappeared,
    TagAdded { key: Arc<str>, new: Arc<str> },
    TagRemoved { key: Arc<str>, old: Arc<str> },
    TagModified { key: Arc<str>, old: Arc<str>, new: Arc<str> },
}

/// How many changes of each kind a target has had: the change counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub appeared: u64,
    pub disappeared: u64,
    pub added: u64,
    pub removed: u64,
    pub modified: u64,
}

impl Tally {
    pub fn count(&mut self, changes: &[Change]) {
        for change in changes {
            let counter = match change.kind {
                ChangeKind::ResourceAppeared => &mut self.appeared,
                ChangeKind::ResourceDisappeared => &mut self.disappeared,
                ChangeKind::TagAdded { .. } => &mut self.added,
                ChangeKind::TagRemoved { .. } => &mut self.removed,
                ChangeKind::TagModified { .. } => &mut self.modified,
            };
            *counter += 1;
        }
    }
}

impl ChangeKind {
    /// Whether a tag of a resource that stayed has changed.
    pub fn is_of_a_tag(&self) -> bool {
        !matches!(self, Self::ResourceAppeared | Self::ResourceDisappeared)
    }
}

/// The changes from `old` to `new`, sorted by resource id and key. A resource that comes or goes is one change,
/// its tags are none.
pub fn changes(target: &Target, old: &Known, new: &Known) -> Vec<Change> {
    let mut changes = Vec::new();
    if Arc::ptr_eq(&old.resources, &new.resources) {
        return changes;
    }
    let mut push = |id: &Arc<str>, kind| {
        changes.push(Change {
            target: target.clone(),
            previous_at: old.started,
            at: new.ended,
            resource_id: Arc::clone(id),
            kind,
        });
    };
    merge(
        &old.resources,
        &new.resources,
        |resource: &Resource| &*resource.id,
        |pair| match pair {
            Pair::Left(gone) => push(&gone.id, ChangeKind::ResourceDisappeared),
            Pair::Right(come) => push(&come.id, ChangeKind::ResourceAppeared),
            Pair::Both(old, new) => tag_changes(&old.tags, &new.tags, |kind| push(&new.id, kind)),
        },
    );
    changes
}

fn tag_changes(old: &Tags, new: &Tags, mut push: impl FnMut(ChangeKind)) {
    let (old, new): (Vec<_>, Vec<_>) = (old.iter().collect(), new.iter().collect());
    merge(
        &old,
        &new,
        |(key, _)| key,
        |pair| {
            let share = Arc::clone;
            match pair {
                Pair::Left((key, old)) => push(ChangeKind::TagRemoved { key: share(key), old: share(old) }),
                Pair::Right((key, new)) => push(ChangeKind::TagAdded { key: share(key), new: share(new) }),
                Pair::Both((_, old), (_, new)) if old == new => {}
                Pair::Both((key, old), (_, new)) => {
                    push(ChangeKind::TagModified { key: share(key), old: share(old), new: share(new) });
                }
            }
        },
    );
}

/// What stands in two lists under one key.
pub enum Pair<'a, T> {
    Left(&'a T),
    Right(&'a T),
    Both(&'a T, &'a T),
}

/// Walks two lists, sorted by `key`, side by side.
pub fn merge<'a, T>(
    mut left: &'a [T],
    mut right: &'a [T],
    key: impl Fn(&'a T) -> &'a str,
    mut visit: impl FnMut(Pair<'a, T>),
) {
    loop {
        match (left, right) {
            ([], []) => return,
            ([l, ls @ ..], []) => {
                visit(Pair::Left(l));
                left = ls;
            }
            ([], [r, rs @ ..]) => {
                visit(Pair::Right(r));
                right = rs;
            }
            ([l, ls @ ..], [r, rs @ ..]) => match key(l).cmp(key(r)) {
                Ordering::Less => {
                    visit(Pair::Left(l));
                    left = ls;
                }
                Ordering::Greater => {
                    visit(Pair::Right(r));
                    right = rs;
                }
                Ordering::Equal => {
                    visit(Pair::Both(l, r));
                    (left, right) = (ls, rs);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Texts = BTreeMap<String, BTreeMap<String, String>>;

    fn known(texts: &Texts, at: &str) -> Known {
        let at: Timestamp = at.parse().unwrap();
        let resource = |(id, tags): (&String, &BTreeMap<String, String>)| Resource {
            id: id.as_str().into(),
            name: "".into(),
            resource_group_id: "".into(),
            status: "".into(),
            created_at: None,
            tags: tags.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
            system_tags: Tags::default(),
        };
        let resources = texts.iter().map(resource).collect();
        Known { resources, started: at, ended: at, count_mismatch: false }
    }

    fn diff(old: &Texts, new: &Texts) -> Vec<Change> {
        let target = Target::new("a", "r", "hbase");
        changes(&target, &known(old, "2026-11-24T03:00:00Z"), &known(new, "2026-11-24T03:05:00Z"))
    }

    /// Changes applied to the texts that they were found in.
    fn apply(mut texts: Texts, new: &Texts, changes: &[Change]) -> Texts {
        for change in changes {
            let id = change.resource_id.to_string();
            let mut tags = texts.remove(&id).unwrap_or_default();
            match &change.kind {
                ChangeKind::ResourceDisappeared => continue,
                ChangeKind::ResourceAppeared => tags = new[&id].clone(),
                ChangeKind::TagRemoved { key, old } => assert_eq!(tags.remove(&**key).unwrap(), **old),
                ChangeKind::TagAdded { key, new } => {
                    assert!(tags.insert(key.to_string(), new.to_string()).is_none());
                }
                ChangeKind::TagModified { key, old, new } => {
                    assert_eq!(tags.insert(key.to_string(), new.to_string()).unwrap(), **old);
                }
            }
            texts.insert(id, tags);
        }
        texts
    }

    #[test]
    fn a_change_lies_between_the_start_of_the_old_and_the_end_of_the_new_collection() {
        let old = Texts::from([("hb-1".into(), BTreeMap::from([("env".into(), "dev".into())]))]);
        let new = Texts::from([("hb-1".into(), BTreeMap::from([("env".into(), "prod".into())]))]);
        let found = diff(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].previous_at, "2026-11-24T03:00:00Z".parse().unwrap());
        assert_eq!(found[0].at, "2026-11-24T03:05:00Z".parse().unwrap());
        let modified = ChangeKind::TagModified { key: "env".into(), old: "dev".into(), new: "prod".into() };
        assert_eq!(found[0].kind, modified);
    }

    fn any_texts() -> impl Strategy<Value = Texts> {
        let tags = prop::collection::btree_map("[abé]{1,2}", "[xy]{0,1}", 0..4);
        prop::collection::btree_map("[a-c]{1,2}", tags, 0..6)
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_the_old_to_the_new_inventory(old in any_texts(), new in any_texts()) {
            let found = diff(&old, &new);
            prop_assert_eq!(apply(old, &new, &found), new);
        }

        #[test]
        fn an_inventory_does_not_differ_from_itself(texts in any_texts()) {
            prop_assert_eq!(diff(&texts, &texts), []);
        }

        #[test]
        fn the_tally_counts_each_change_once(old in any_texts(), new in any_texts()) {
            let found = diff(&old, &new);
            let mut tally = Tally::default();
            tally.count(&found);
            let Tally { appeared, disappeared, added, removed, modified } = tally;
            prop_assert_eq!(appeared + disappeared + added + removed + modified, found.len() as u64);
        }
    }
}
