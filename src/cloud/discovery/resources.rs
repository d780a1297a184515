//! The denominator: every resource of the target, tagged or not.

use std::sync::Arc;

use serde_json_borrow::Value;

use super::decode::{Described, Page, described};
use super::paging::{Pager, RepeatedToken};
use super::{Error, Lister, Rows};
use crate::cloud::api::{ApiError, ErrorKind};
use crate::inventory::{Interner, Resource};

/// How often a listing that does not agree with itself is read again.
const MAX_REREADS: usize = 3;

/// One reading of all pages.
struct Reading {
    rows: Rows,
    pages: usize,
    /// As many ids as the cloud counts.
    count_matches: bool,
    total_stood_still: bool,
}

impl Reading {
    fn agrees_with_itself(&self) -> bool {
        self.count_matches && self.total_stood_still
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.rows.keys().eq(other.rows.keys())
    }
}

impl Lister {
    /// The resources, and whether the cloud's count differs from their number.
    pub(super) async fn resources(
        &self,
        previous: &[Resource],
        interner: &Interner,
    ) -> Result<(Rows, bool), Error> {
        let mut reading = self.settled_reading(interner).await?;
        let missing = previous.iter().map(|resource| &resource.id);
        let missing: Vec<_> = missing.filter(|id| !reading.rows.contains_key(*id)).collect();
        self.confirm_gone(&missing, &mut reading, interner).await?;
        Ok((reading.rows, !reading.count_matches))
    }

    /// Reads the listing until it agrees with itself or with the reading before it.
    async fn settled_reading(&self, interner: &Interner) -> Result<Reading, Error> {
        let mut reading = self.reading(interner).await?;
        for _ in 0..MAX_REREADS {
            if reading.agrees_with_itself() {
                break;
            }
            let again = self.reading(interner).await?;
            let settled = again.has_the_ids_of(&reading);
            reading = again;
            if settled {
                return Ok(reading);
            }
        }
        if reading.agrees_with_itself() {
            return Ok(reading);
        }
        let problem = format!("{} readings gave other resources each time", MAX_REREADS + 1);
        Err(self.inconsistent(&self.product.resources.action, problem))
    }

    /// Reads every page once. Resources that come twice, because pages shifted, are merged.
    async fn reading(&self, interner: &Interner) -> Result<Reading, Error> {
        let listing = &self.product.resources;
        let mut rows = Rows::new();
        let mut pager = Pager::new(&listing.paging);
        loop {
            let mut parameters = self.parameters(&listing.parameters);
            pager.fill(&mut parameters);
            let decode = |answer: &Value<'_>| described(listing, pager.total_path(), answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await?;
            let more = pager
                .advance(&page)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken came twice"))?;
            rows.extend(page.rows.into_iter().map(by_id));
            if !more {
                break;
            }
        }
        Ok(Reading {
            count_matches: pager.total().is_none_or(|total| total == rows.len()),
            total_stood_still: pager.total_stood_still(),
            pages: pager.pages(),
            rows,
        })
    }

    /// Asks again for ids that the inventory had and the reading lacks, and takes back those that are there: by
    /// one lookup each, or by a second listing where that takes fewer requests.
    async fn confirm_gone(
        &self,
        missing: &[&Arc<str>],
        reading: &mut Reading,
        interner: &Interner,
    ) -> Result<(), Error> {
        if missing.is_empty() {
            return Ok(());
        }
        if self.product.resources.lookup.is_some() && missing.len() <= reading.pages {
            for id in missing {
                if let Some(row) = self.lookup(id, interner).await? {
                    reading.rows.insert(Arc::clone(id), row);
                }
            }
            return Ok(());
        }
        let mut second = self.settled_reading(interner).await?;
        let back = missing.iter().filter_map(|id| second.rows.remove_entry(*id));
        reading.rows.extend(back);
        Ok(())
    }

    /// One resource by its id; `None` when the cloud says that it is not there.
    pub(super) async fn lookup(
        &self,
        id: &Arc<str>,
        interner: &Interner,
    ) -> Result<Option<Described>, Error> {
        let listing = &self.product.resources;
        let Some(lookup) = &listing.lookup else {
            return Err(self.inconsistent(&listing.action, format!("{id:?} cannot be looked up")));
        };
        let mut parameters = self.parameters(&listing.parameters);
        parameters.insert(lookup.parameter.clone(), id.to_string());
        let pager = Pager::new(&listing.paging);
        pager.fill(&mut parameters);
        let decode = |answer: &Value<'_>| described(listing, pager.total_path(), answer, interner);
        let page = match self.client.call(&listing.action, parameters, decode).await {
            Err(error) if says_not_found(&error, &lookup.not_found) => return Ok(None),
            page => page?,
        };
        self.found(id, page)
    }

    /// The row with `id`; an answer that has other rows, or counts some, says nothing about it.
    fn found(&self, id: &Arc<str>, page: Page<Described>) -> Result<Option<Described>, Error> {
        let empty = page.rows.is_empty() && page.total.is_none_or(|total| total == 0);
        match page.rows.into_iter().find(|row| row.resource.id == *id) {
            Some(row) => Ok(Some(row)),
            None if empty => Ok(None),
            None => {
                let problem = format!("asked for {id:?} it told of others");
                Err(self.inconsistent(&self.product.resources.action, problem))
            }
        }
    }
}

fn by_id(row: Described) -> (Arc<str>, Described) {
    (Arc::clone(&row.resource.id), row)
}

fn says_not_found(error: &ApiError, codes: &[String]) -> bool {
    matches!(&error.kind, ErrorKind::Rejected { code } if codes.contains(code))
}
