//! Two successive inventories of one target → what changed. Pure.
//!
//! The first listing is a baseline, a failed collection is not a listing, and tags with excluded keys are ignored: none
//! of them is a change.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use crate::inventory::{Known, Resource, Target};

/// One difference, which arose between `previous_at` and `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub target: Target,
    /// The start of the collection before: what it read may have been older than its end.
    pub previous_at: Timestamp,
    /// The end of the collection that found it.
    pub at: Timestamp,
    pub resource_id: Arc<str>,
    pub kind: ChangeKind,
    /// The key of the tag; `None` for a whole resource.
    pub key: Option<Arc<str>>,
    pub old: Option<Arc<str>>,
    pub new: Option<Arc<str>>,
}

/// The only list of kinds: counters, columns, labels and `kind` of the JSON answers are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    ResourceAppeared,
    ResourceDisappeared,
    TagAdded,
    TagModified,
    TagRemoved,
}

impl ChangeKind {
    pub const ALL: [Self; 5] = [
        Self::ResourceAppeared,
        Self::ResourceDisappeared,
        Self::TagAdded,
        Self::TagModified,
        Self::TagRemoved,
    ];

    /// `kind` of the JSON answers and of the change log.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResourceAppeared => "resource_appeared",
            Self::ResourceDisappeared => "resource_disappeared",
            Self::TagAdded => "tag_added",
            Self::TagRemoved => "tag_removed",
            Self::TagModified => "tag_modified",
        }
    }

    /// The word behind `tag_` or `resource_`: the value of the label `change`, and a column of the state file.
    pub fn word(self) -> &'static str {
        self.name().rsplit('_').next().unwrap_or_default()
    }

    /// Whether a tag of a resource that stayed has changed.
    pub fn is_of_a_tag(self) -> bool {
        matches!(self, Self::TagAdded | Self::TagRemoved | Self::TagModified)
    }
}

/// How many changes of each kind a target has had: the change counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u64; ChangeKind::ALL.len()]);

impl Tally {
    /// One with these numbers, in the order of [`ChangeKind::ALL`].
    pub fn of(numbers: [u64; ChangeKind::ALL.len()]) -> Self {
        Self(numbers)
    }

    pub fn count(&mut self, changes: &[Change]) {
        for change in changes {
            self.0[change.kind as usize] += 1;
        }
    }

    pub fn number(&self, kind: ChangeKind) -> u64 {
        self.0[kind as usize]
    }
}

/// The changes from `old` to `new`, sorted by resource id and key. A resource that comes or goes is one change,
/// its tags are none.
pub fn changes(target: &Target, old: &Known, new: &Known) -> Vec<Change> {
    let mut changes = Vec::new();
    if Arc::ptr_eq(&old.resources, &new.resources) {
        return changes;
    }
    let change = |id: &Arc<str>, kind| Change {
        target: target.clone(),
        previous_at: old.started,
        at: new.ended,
        resource_id: Arc::clone(id),
        kind,
        key: None,
        old: None,
        new: None,
    };
    merge(
        &old.resources,
        &new.resources,
        |resource: &Resource| &*resource.id,
        |side| match side {
            Side::Left(gone) => changes.push(change(&gone.id, ChangeKind::ResourceDisappeared)),
            Side::Right(come) => changes.push(change(&come.id, ChangeKind::ResourceAppeared)),
            Side::Both(before, _) if !before.has_known_tags() => {}
            Side::Both(before, after) => tag_changes(before, after, |kind, key, old, new| {
                let (key, share) = (Some(Arc::clone(key)), |text: Option<&Arc<str>>| text.map(Arc::clone));
                changes.push(Change { key, old: share(old), new: share(new), ..change(&after.id, kind) });
            }),
        },
    );
    changes
}

/// Each change of a tag: its kind, the key, the old value and the new one.
fn tag_changes(
    old: &Resource,
    new: &Resource,
    mut push: impl FnMut(ChangeKind, &Arc<str>, Option<&Arc<str>>, Option<&Arc<str>>),
) {
    let (old, new): (Vec<_>, Vec<_>) = (old.tags.iter().collect(), new.tags.iter().collect());
    merge(
        &old,
        &new,
        |(key, _)| key,
        |side| match side {
            Side::Left((key, old)) => push(ChangeKind::TagRemoved, key, Some(old), None),
            Side::Right((key, new)) => push(ChangeKind::TagAdded, key, None, Some(new)),
            Side::Both((_, old), (_, new)) if old == new => {}
            Side::Both((key, old), (_, new)) => push(ChangeKind::TagModified, key, Some(old), Some(new)),
        },
    );
}

/// The resources that stayed and whose tags have changed, with the time.
pub fn dated(changes: &[Change]) -> impl Iterator<Item = (&Arc<str>, Timestamp)> {
    changes.iter().filter(|change| change.kind.is_of_a_tag()).map(|change| (&change.resource_id, change.at))
}

/// The entries of two sorted lists under one key.
pub enum Side<'a, T> {
    Left(&'a T),
    Right(&'a T),
    Both(&'a T, &'a T),
}

/// Walks two lists, sorted by `key`, side by side.
pub fn merge<'a, T>(
    mut left: &'a [T],
    mut right: &'a [T],
    key: impl Fn(&'a T) -> &'a str,
    mut visit: impl FnMut(Side<'a, T>),
) {
    loop {
        match (left, right) {
            ([], []) => return,
            ([l, ls @ ..], []) => {
                visit(Side::Left(l));
                left = ls;
            }
            ([], [r, rs @ ..]) => {
                visit(Side::Right(r));
                right = rs;
            }
            ([l, ls @ ..], [r, rs @ ..]) => match key(l).cmp(key(r)) {
                Ordering::Less => {
                    visit(Side::Left(l));
                    left = ls;
                }
                Ordering::Greater => {
                    visit(Side::Right(r));
                    right = rs;
                }
                Ordering::Equal => {
                    visit(Side::Both(l, r));
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
            tags: tags.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
            ..Resource::new(id)
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
            let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
            let (key, old, new_value) = (text(&change.key), text(&change.old), text(&change.new));
            match change.kind {
                ChangeKind::ResourceDisappeared => continue,
                ChangeKind::ResourceAppeared => tags = new[&id].clone(),
                ChangeKind::TagRemoved => assert_eq!(tags.remove(&key.unwrap()), old),
                ChangeKind::TagAdded | ChangeKind::TagModified => {
                    assert_eq!(tags.insert(key.unwrap(), new_value.unwrap()), old);
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
        assert_eq!(found[0].kind, ChangeKind::TagModified);
        let texts = [&found[0].key, &found[0].old, &found[0].new].map(|text| text.as_deref().unwrap());
        assert_eq!(texts, ["env", "dev", "prod"]);
    }

    fn texts<const N: usize>(resources: [(&str, &[(&str, &str)]); N]) -> Texts {
        let tags = |tags: &[(&str, &str)]| {
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        resources.into_iter().map(|(id, all)| (id.to_owned(), tags(all))).collect()
    }

    #[test]
    fn each_kind_is_counted_under_its_own_name() {
        let old =
            texts([("a", &[("k", "1"), ("x", ""), ("y", "")]), ("gone", &[]), ("gone too", &[("k", "")])]);
        let new = texts([("a", &[("k", "2"), ("n", "")]), ("b", &[]), ("c", &[]), ("d", &[])]);
        let mut tally = Tally::default();
        tally.count(&diff(&old, &new));
        let counted = ChangeKind::ALL.map(|kind| (kind.name(), kind.word(), tally.number(kind)));
        let expected = [
            ("resource_appeared", "appeared", 3),
            ("resource_disappeared", "disappeared", 2),
            ("tag_added", "added", 1),
            ("tag_modified", "modified", 1),
            ("tag_removed", "removed", 2),
        ];
        assert_eq!(counted, expected);
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
    }
}
