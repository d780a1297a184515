//! Equal texts share one allocation, within a listing and with the one before it; so do equal sets of tags.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Resource, Tags};

pub struct Interner {
    texts: HashSet<Arc<str>>,
    /// Many resources have the very same tags.
    sets: HashSet<Tags>,
}

impl Interner {
    /// Knows the texts of `previous`, so that a listing that found nothing new allocates next to nothing.
    pub fn seeded(previous: &[Resource]) -> Self {
        let sets = previous.iter().flat_map(|resource| [&resource.tags, &resource.system_tags]);
        let sets: HashSet<_> = sets.cloned().collect();
        let pairs = sets.iter().flat_map(Tags::iter);
        let mut texts: HashSet<_> = pairs.flat_map(|(key, value)| [key, value]).cloned().collect();
        for resource in previous {
            let Resource { id, name, resource_group_id, status, .. } = resource;
            texts.extend([id, name, resource_group_id, status].map(Arc::clone));
        }
        Self { texts, sets }
    }

    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }

    /// The tags of one resource.
    pub fn share_tags(&mut self, pairs: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Tags {
        let tags = pairs.into_iter().collect();
        if let Some(known) = self.sets.get(&tags) {
            return known.clone();
        }
        self.sets.insert(tags.clone());
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_allocation() {
        let mut interner = Interner::seeded(&[]);
        let (first, second) = (interner.share("owner"), interner.share("owner"));
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn equal_sets_of_tags_are_one_allocation_however_they_are_ordered() {
        let mut interner = Interner::seeded(&[]);
        let [a, b] = ["a", "b"].map(|text| (interner.share(text), interner.share(text)));
        let first = interner.share_tags([a.clone(), b.clone()]);
        let second = interner.share_tags([b, a]);
        assert!(first.iter().zip(second.iter()).all(|(one, other)| std::ptr::eq(one.0, other.0)));
    }
}
