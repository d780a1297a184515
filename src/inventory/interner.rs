//! Equal texts share one allocation, within a listing and with the one before it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Resource;

pub struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// Knows the texts of `previous`, so that a listing that found nothing new allocates next to nothing.
    pub fn seeded(previous: &[Resource]) -> Self {
        let tags =
            previous.iter().flat_map(|resource| resource.tags.iter().chain(resource.system_tags.iter()));
        let mut texts: HashSet<_> = tags.flat_map(|(key, value)| [key, value]).cloned().collect();
        for resource in previous {
            let Resource { id, name, resource_group_id, status, .. } = resource;
            texts.extend([id, name, resource_group_id, status].map(Arc::clone));
        }
        Self(texts)
    }

    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
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
}
