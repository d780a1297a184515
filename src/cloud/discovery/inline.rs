//! The tags that the resource listing itself shows.

use std::sync::Arc;

use super::join::ReadTags;
use super::{Error, Lister, Rows, known};
use crate::inventory::{Interner, Resource};

impl Lister {
    /// The tags of all `rows`. Where a row shows none any more, a second answer must say so too.
    pub(super) async fn inline_tags(
        &mut self,
        rows: &mut Rows,
        previous: &[Resource],
        interner: &Interner,
    ) -> Result<ReadTags, Error> {
        let mut read = ReadTags::default();
        let mut open = self.lost_their_tags(rows, previous);
        if self.can_look_up(open.len(), 0) {
            let found = self.look_up(&open, interner).await;
            rows.extend(found.there);
            read.take_out(found.gone, rows);
            open = found.undecided.into_iter().collect();
        }
        if !open.is_empty() {
            let mut again = self.read_again(interner).await?;
            rows.extend(open.iter().filter_map(|id| again.remove_entry(id)));
        }
        for (id, row) in rows {
            if !row.is_readable {
                read.unreadable.insert(Arc::clone(id));
            }
            read.tags.insert(Arc::clone(id), std::mem::take(&mut row.inline));
        }
        Ok(read)
    }

    /// The rows without a user's tag whose resources had some.
    fn lost_their_tags(&self, rows: &Rows, previous: &[Resource]) -> Vec<Arc<str>> {
        let had = |id: &Arc<str>| known(previous, id).is_some_and(|known| !known.tags.is_empty());
        let bare = rows.iter().filter(|(_, row)| row.is_readable && !self.has_user_tags(&row.inline));
        bare.map(|(id, _)| Arc::clone(id)).filter(had).collect()
    }
}
