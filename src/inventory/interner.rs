//! Equal texts share one allocation, within a listing and with the one before it; so do equal sets of tags.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::tags::{Pair, sorted};
use super::{Resource, Tags};

/// Shared by all who read a listing.
pub struct Interner(Mutex<Pool>);

struct Pool {
    texts: HashSet<Arc<str>, RandomState>,
    /// Many resources have the very same tags.
    sets: HashSet<Tags, RandomState>,
    new_bytes: usize,
}

impl Interner {
    /// Knows the texts of `previous`, so that a listing that found nothing new allocates next to nothing.
    pub fn seeded(previous: &[Resource]) -> Self {
        let sets = previous.iter().flat_map(|resource| [&resource.tags, &resource.system_tags]);
        let sets: HashSet<_, _> = sets.cloned().collect();
        let pairs = sets.iter().flat_map(Tags::iter);
        let mut texts: HashSet<_, _> = pairs.flat_map(|(key, value)| [key, value]).cloned().collect();
        for resource in previous {
            let Resource { id, name, resource_group_id, status, .. } = resource;
            texts.extend([id, name, resource_group_id, status].map(Arc::clone));
        }
        Self(Mutex::new(Pool { texts, sets, new_bytes: 0 }))
    }

    pub fn share(&self, text: &str) -> Arc<str> {
        let mut pool = self.pool();
        if let Some(known) = pool.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        pool.new_bytes += new.len();
        pool.texts.insert(Arc::clone(&new));
        new
    }

    /// The length of all texts that it did not know from the beginning.
    pub fn new_bytes(&self) -> usize {
        self.pool().new_bytes
    }

    /// The tags of one resource.
    pub fn share_tags(&self, pairs: impl IntoIterator<Item = Pair>) -> Tags {
        let pairs = sorted(pairs);
        let sets = &mut self.pool().sets;
        if let Some(known) = sets.get(pairs.as_slice()) {
            return known.clone();
        }
        let tags = Tags::of_sorted(pairs);
        sets.insert(tags.clone());
        tags
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_allocation() {
        let interner = Interner::seeded(&[]);
        let (first, second) = (interner.share("owner"), interner.share("owner"));
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn equal_sets_of_tags_are_one_allocation_however_they_are_ordered() {
        let interner = Interner::seeded(&[]);
        let [a, b] = ["a", "b"].map(|text| (interner.share(text), interner.share(text)));
        let first = interner.share_tags([a.clone(), b.clone()]);
        let second = interner.share_tags([b, a]);
        assert!(first.iter().zip(second.iter()).all(|(one, other)| std::ptr::eq(one.0, other.0)));
    }
}
