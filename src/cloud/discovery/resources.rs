//! The denominator: every resource of the target, tagged or not.

use std::sync::Arc;

use serde_json_borrow::Value;

use super::decode::{Described, Place, described};
use super::lookup::{Found, is_one_of};
use super::paging::{Pager, RepeatedToken};
use super::{Error, Lister, Rows};
use crate::cloud::catalog::Parameters;
use crate::inventory::{Interner, Resource};

/// How often a listing that does not agree with itself is read again.
const MAX_REREADS: usize = 3;

/// One reading of all pages, of all variants.
struct Reading {
    rows: Rows,
    pages: usize,
    /// As many ids as the cloud counts.
    count_matches: bool,
    total_stood_still: bool,
    /// Some rows named another region.
    strayed: bool,
}

impl Reading {
    fn agrees_with_itself(&self) -> bool {
        self.count_matches && self.total_stood_still && !self.strayed
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.rows.keys().eq(other.rows.keys())
    }

    fn add(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.pages += other.pages;
        self.count_matches &= other.count_matches;
        self.total_stood_still &= other.total_stood_still;
        self.strayed |= other.strayed;
    }
}

impl Lister {
    /// The resources, and whether the cloud's count differs from their number.
    pub(super) async fn resources(
        &mut self,
        previous: &[Resource],
        interner: &Interner,
    ) -> Result<(Rows, bool), Error> {
        let mut reading = self.settled_reading(interner).await?;
        if reading.rows.is_empty() {
            self.may_see().await?;
        }
        let missing = previous.iter().map(|resource| &resource.id);
        let missing: Vec<_> = missing.filter(|id| !reading.rows.contains_key(*id)).cloned().collect();
        let pages = reading.pages;
        let back = self.still_there(&missing, pages, interner).await?;
        reading.rows.extend(back);
        Ok((reading.rows, !reading.count_matches))
    }

    /// Those of `ids` that are still there: by one lookup each, or by a second listing where that takes fewer
    /// requests than `pages`, or where a lookup proves nothing.
    pub(super) async fn still_there(
        &mut self,
        ids: &[Arc<str>],
        pages: usize,
        interner: &Interner,
    ) -> Result<Rows, Error> {
        let (mut there, mut open) = (Rows::new(), Vec::new());
        let listing = &self.product.resources;
        let lookups = ids.len() * listing.variants().len();
        if listing.lookup.is_none() || lookups > pages {
            open.extend_from_slice(ids);
        } else {
            for id in ids {
                match self.lookup(id, interner).await {
                    Found::Here(row) => _ = there.insert(Arc::clone(id), row),
                    Found::Gone => {}
                    Found::Unknown(problem) => {
                        tracing::debug!(id = &**id, "listing again: {problem}");
                        open.push(Arc::clone(id));
                    }
                }
            }
        }
        if !open.is_empty() {
            let mut second = self.settled_reading(interner).await?;
            there.extend(open.iter().filter_map(|id| second.rows.remove_entry(id)));
        }
        Ok(there)
    }

    /// Reads the listing until it agrees with itself or with the reading before it.
    async fn settled_reading(&mut self, interner: &Interner) -> Result<Reading, Error> {
        let mut reading = self.reading(interner).await?;
        let mut settled = reading.agrees_with_itself();
        for _ in 0..MAX_REREADS {
            if settled {
                break;
            }
            let again = self.reading(interner).await?;
            settled = again.agrees_with_itself() || again.has_the_ids_of(&reading);
            reading = again;
        }
        if !settled {
            return Err(self.inconsistent(&self.product.resources.action, "consecutive listings disagreed"));
        }
        if reading.strayed && reading.rows.is_empty() {
            return Err(
                self.inconsistent(&self.product.resources.action, "it lists only resources of other regions")
            );
        }
        Ok(reading)
    }

    /// Reads every page of every variant once.
    async fn reading(&mut self, interner: &Interner) -> Result<Reading, Error> {
        let mut reading = Reading {
            rows: Rows::new(),
            pages: 0,
            count_matches: true,
            total_stood_still: true,
            strayed: false,
        };
        for variant in self.product.resources.variants() {
            let of_variant = match self.variant(&variant, interner).await {
                Err(Error::Api(error)) if self.asks_for_too_much(&error) => {
                    self.page_size =
                        self.product.resources.paging.smaller().map(|smaller| smaller.max_results);
                    tracing::info!(rows = self.page_size, "the API requires smaller pages");
                    self.variant(&variant, interner).await?
                }
                read => read?,
            };
            reading.add(of_variant);
        }
        Ok(reading)
    }

    fn asks_for_too_much(&self, error: &crate::cloud::api::ApiError) -> bool {
        let smaller = self.product.resources.paging.smaller();
        self.page_size.is_none() && smaller.is_some_and(|smaller| is_one_of(error, &smaller.after))
    }

    /// Reads every page once. Resources that come twice, because pages shifted, are merged.
    async fn variant(&self, variant: &Parameters, interner: &Interner) -> Result<Reading, Error> {
        let listing = &self.product.resources;
        let fixed = self.parameters([&listing.parameters, variant], None);
        let region = &self.client.region;
        let (mut rows, mut strayed) = (Rows::new(), false);
        let mut pager = Pager::new(&listing.paging, self.page_size);
        loop {
            let mut parameters = fixed.clone();
            pager.fill(&mut parameters);
            let decode = |answer: &Value<'_>| described(listing, region, answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await?;
            let more = pager
                .advance(&page)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken was repeated"))?;
            strayed |= page.rows.iter().any(|row| row.place == Place::OtherRegion);
            rows.extend(page.rows.into_iter().filter(|row| row.place == Place::Here).map(by_id));
            if !more {
                break;
            }
        }
        Ok(Reading {
            count_matches: !strayed && pager.total().is_none_or(|total| total == rows.len()),
            total_stood_still: pager.total_stood_still(),
            pages: pager.pages(),
            strayed,
            rows,
        })
    }
}

fn by_id(row: Described) -> (Arc<str>, Described) {
    (Arc::clone(&row.resource.id), row)
}
