//! How much one collection may read: a cloud that never ends its pages takes no more memory than this.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Error, Lister};
use crate::inventory::Interner;

/// Pages of all listings of one collection.
pub const MAX_PAGES: usize = 10_000;
/// Resources in one listing.
pub const MAX_ROWS: usize = 250_000;
/// Tags in one collection: as many as 20 for each resource.
pub const MAX_TAGS: usize = 20 * MAX_ROWS;
/// Bytes of texts that are not known from the collection before.
pub const MAX_TEXT: usize = 128 << 20;

/// What one collection has read so far.
#[derive(Default)]
pub(super) struct Budget {
    pages: AtomicUsize,
    tags: AtomicUsize,
}

impl Lister {
    /// Takes note of a page of a listing that has `rows` so far.
    pub(super) fn spend_rows(&self, action: &str, rows: usize, interner: &Interner) -> Result<(), Error> {
        self.spend_page(action, interner)?;
        self.within(action, rows, MAX_ROWS, "resources")
    }

    /// Takes note of a page of tags.
    pub(super) fn spend_tags(&self, action: &str, tags: usize, interner: &Interner) -> Result<(), Error> {
        self.spend_page(action, interner)?;
        let all = self.budget.tags.fetch_add(tags, Ordering::Relaxed) + tags;
        self.within(action, all, MAX_TAGS, "tags")
    }

    fn spend_page(&self, action: &str, interner: &Interner) -> Result<(), Error> {
        let pages = self.budget.pages.fetch_add(1, Ordering::Relaxed) + 1;
        self.within(action, pages, MAX_PAGES, "pages")?;
        self.within(action, interner.new_bytes(), MAX_TEXT, "bytes of text")
    }

    fn within(&self, action: &str, spent: usize, most: usize, what: &str) -> Result<(), Error> {
        if spent <= most {
            return Ok(());
        }
        let problem = format!("gave more than {most} {what}, the most for one collection");
        Err(Error::TooLarge { action: action.to_owned(), region: self.client.region.clone(), problem })
    }
}
