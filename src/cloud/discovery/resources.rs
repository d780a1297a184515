//! The denominator: every resource of the target, tagged or not.

use std::sync::Arc;

use serde_json_borrow::Value;

use super::decode::{Described, Place, described};
use super::lookup::{Found, is_one_of};
use super::paging::{Pager, RepeatedToken};
use super::{Error, Evidence, Ids, Lister, Rows};
use crate::cloud::catalog::Parameters;
use crate::inventory::{Interner, Resource};

/// How often a listing that does not agree with itself is read again.
const MAX_REREADS: usize = 3;

/// So many resources are always looked up one by one.
pub(super) const MAX_LOOKUPS: usize = 20;

/// One reading of all pages, of all variants.
#[derive(Default)]
struct Reading {
    rows: Rows,
    pages: usize,
    /// How many more the cloud counts than it lists; `None` where it gives no usable count.
    difference: Option<i64>,
    total_stood_still: bool,
}

impl Reading {
    fn agrees_with_itself(&self) -> bool {
        self.difference.is_none_or(|difference| difference == 0) && self.total_stood_still
    }

    fn has_the_ids_of(&self, other: &Self) -> bool {
        self.rows.keys().eq(other.rows.keys())
    }

    fn add(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.pages += other.pages;
        self.total_stood_still &= other.total_stood_still;
        self.difference = match (self.difference, other.difference) {
            // What one listing has too many does not make up for what another one lacks.
            (Some(one), Some(other)) if one > 0 || other > 0 => Some(one.max(0) + other.max(0)),
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other).filter(|difference| *difference != 0),
        };
    }
}

/// What lookups say of missing resources.
#[derive(Default)]
pub(super) struct LookedUp {
    pub there: Rows,
    pub gone: Ids,
    pub undecided: Ids,
}

impl Lister {
    /// The resources, and what is proved about the known ones that are missing.
    pub(super) async fn resources(
        &mut self,
        previous: &[Resource],
        interner: &Interner,
    ) -> Result<Evidence, Error> {
        let mut reading = self.settled_reading(interner).await?;
        if reading.rows.is_empty() {
            self.may_see().await?;
        }
        let missing = previous.iter().map(|resource| &resource.id);
        let missing: Vec<_> = missing.filter(|id| !reading.rows.contains_key(*id)).cloned().collect();
        let (mut gone, mut is_confirmed) = (Ids::new(), false);
        if self.can_look_up(missing.len(), reading.pages) {
            let found = self.look_up(&missing, interner).await;
            // Pages that shifted: the count has them too.
            let back = found.there.len() as i64;
            reading.difference = reading.difference.map(|more| more.min(0).max(more - back));
            reading.rows.extend(found.there);
            gone = found.gone;
        } else if !missing.is_empty() && reading.difference == Some(0) {
            is_confirmed = self.confirm(&missing, &mut reading, interner).await;
        }
        let Reading { rows, difference, .. } = reading;
        Ok(Evidence { rows, difference, gone, is_confirmed })
    }

    /// Whether lookups of so many ids cost little, also beside a listing of so many pages.
    pub(super) fn can_look_up(&self, ids: usize, pages: usize) -> bool {
        let listing = &self.product.resources;
        listing.lookup.is_some() && ids * listing.variants().len() <= pages.max(MAX_LOOKUPS)
    }

    /// What one lookup of each id says. None of them fails the collection.
    pub(super) async fn look_up(&self, ids: &[Arc<str>], interner: &Interner) -> LookedUp {
        let mut found = LookedUp::default();
        for id in ids {
            match self.lookup(id, interner).await {
                Found::Here(row) => _ = found.there.insert(Arc::clone(id), row),
                Found::Gone => _ = found.gone.insert(Arc::clone(id)),
                Found::Unknown(problem) => {
                    tracing::debug!(?id, "the lookup does not tell: {problem}");
                    found.undecided.insert(Arc::clone(id));
                }
            }
        }
        found
    }

    /// Whether a second listing proves the missing resources gone; it takes those that are there after all.
    async fn confirm(&mut self, missing: &[Arc<str>], first: &mut Reading, interner: &Interner) -> bool {
        let Ok(mut second) = self.settled_reading(interner).await else { return false };
        let may_be_blind = second.rows.is_empty() && self.may_see().await.is_err();
        let back = missing.iter().filter_map(|id| second.rows.remove_entry(id));
        first.rows.extend(back);
        second.difference == Some(0) && !may_be_blind
    }

    /// The rows of another reading.
    pub(super) async fn read_again(&mut self, interner: &Interner) -> Result<Rows, Error> {
        Ok(self.settled_reading(interner).await?.rows)
    }

    /// Reads the listing until it agrees with itself or with the reading before it, or has been read often enough:
    /// what a listing that does not agree is worth is weighed later.
    async fn settled_reading(&mut self, interner: &Interner) -> Result<Reading, Error> {
        let mut reading = self.reading(interner).await?;
        for _ in 0..MAX_REREADS {
            if reading.agrees_with_itself() {
                break;
            }
            let again = self.reading(interner).await?;
            let is_same = again.has_the_ids_of(&reading);
            reading = again;
            if is_same {
                break;
            }
        }
        Ok(reading)
    }

    /// Reads every page of every variant once.
    async fn reading(&mut self, interner: &Interner) -> Result<Reading, Error> {
        let mut all: Option<Reading> = None;
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
            match &mut all {
                Some(all) => all.add(of_variant),
                None => all = Some(of_variant),
            }
        }
        Ok(all.unwrap_or_default())
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
        let (mut rows, mut strays) = (Rows::new(), 0);
        let mut pager = Pager::new(&listing.paging, self.page_size);
        loop {
            let mut parameters = fixed.clone();
            pager.fill(&mut parameters);
            let decode = |answer: &Value<'_>| described(listing, region, answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await?;
            let more = pager
                .advance(&page)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken was repeated"))?;
            strays += page.rows.iter().filter(|row| row.place == Place::OtherRegion).count() as i64;
            rows.extend(page.rows.into_iter().filter(|row| row.place == Place::Here).map(by_id));
            self.spend_rows(&listing.action, rows.len(), interner)?;
            if !more {
                break;
            }
        }
        let counted = pager.total().map(|total| total as i64 - rows.len() as i64);
        Ok(Reading {
            // Rows of another region are a listing that cannot be taken as it is, whatever the count says.
            difference: if strays > 0 { Some(counted.unwrap_or_default().max(strays)) } else { counted },
            total_stood_still: pager.total_stood_still(),
            pages: pager.pages(),
            rows,
        })
    }
}

fn by_id(row: Described) -> (Arc<str>, Described) {
    (Arc::clone(&row.resource.id), row)
}
