//! Pages of `/tags` without a filter, written once for a version and shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Result;

use crate::publication::exposition::Block;

/// Bytes of pages that are kept, compressed as they are.
const MAX_BYTES: usize = 64 << 20;
/// Bytes of their text: a text of one letter is a thousand times as long as its page.
const MAX_TEXT: usize = 1 << 30;

/// The pages of one version. A clone is another handle on the same.
#[derive(Clone, Default)]
pub struct PageCache(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    version: u64,
    bytes: usize,
    text: usize,
    /// By where they begin and how long they are.
    pages: HashMap<u64, Arc<Block>>,
}

impl PageCache {
    /// The page `key` of `version`; `write` is called if it is not cached. Pages of older versions are dropped, and a
    /// page that does not fit is not cached.
    pub fn page(&self, version: u64, key: u64, write: impl FnOnce() -> Result<Block>) -> Result<Arc<Block>> {
        if let Some(page) = self.kept(version, key) {
            return Ok(page);
        }
        // Not under the lock: two at once may write the same page.
        let page = Arc::new(write()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if version > kept.version {
            *kept = Kept { version, ..Kept::default() };
        }
        if version == kept.version
            && kept.has_room(&page)
            && kept.pages.insert(key, Arc::clone(&page)).is_none()
        {
            kept.bytes += page.compressed_len();
            kept.text += page.text_len();
        }
        Ok(page)
    }

    pub fn kept(&self, version: u64, key: u64) -> Option<Arc<Block>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pages.get(&key).filter(|_| kept.version == version).cloned()
    }
}

impl Kept {
    fn has_room(&self, page: &Block) -> bool {
        self.bytes + page.compressed_len() <= MAX_BYTES && self.text + page.text_len() <= MAX_TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_once_for_a_version() {
        let pages = PageCache::default();
        let page = |version, key| pages.page(version, key, || Ok(Block::of("text"))).unwrap();
        let first = page(1, 7);
        assert!(Arc::ptr_eq(&first, &page(1, 7)));
        assert!(!Arc::ptr_eq(&first, &page(1, 8)));
        let second = page(2, 7);
        assert!(!Arc::ptr_eq(&first, &second));
        // A reader of the version before does not bring its pages back.
        assert!(!Arc::ptr_eq(&first, &page(1, 7)));
        assert!(Arc::ptr_eq(&second, &page(2, 7)));
    }

    #[test]
    fn there_is_room_up_to_a_limit_of_the_text_however_well_it_compresses() {
        let page = Block::of("text");
        let has_room = |bytes, text| Kept { bytes, text, ..Kept::default() }.has_room(&page);
        assert!(has_room(0, MAX_TEXT - 4) && !has_room(0, MAX_TEXT - 3));
        assert!(has_room(MAX_BYTES - page.compressed_len(), 0) && !has_room(MAX_BYTES, 0));
    }
}
