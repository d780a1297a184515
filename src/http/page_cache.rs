//! Pages of `/tags` without a filter, written once for a version and shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Result;

use crate::publication::exposition::Block;

/// Most bytes of cached pages, compressed.
const MAX_BYTES: usize = 64 << 20;

/// The pages of one version.
#[derive(Default)]
pub struct PageCache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    version: u64,
    bytes: usize,
    /// By cursor and limit.
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
        let fits = kept.bytes + page.compressed_len() <= MAX_BYTES;
        if version == kept.version && fits && kept.pages.insert(key, Arc::clone(&page)).is_none() {
            kept.bytes += page.compressed_len();
        }
        Ok(page)
    }

    fn kept(&self, version: u64, key: u64) -> Option<Arc<Block>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pages.get(&key).filter(|_| kept.version == version).cloned()
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
}
