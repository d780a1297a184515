//! Whether one resource is still there, by its id.

use std::sync::Arc;

use serde_json_borrow::Value;

use super::Lister;
use super::decode::{Described, Page, Place, described};
use super::paging::Pager;
use crate::cloud::api::ApiError;
use crate::cloud::catalog::{Lookup, Parameters};
use crate::inventory::Interner;

/// What a lookup says.
pub(super) enum Found {
    Here(Described),
    Gone,
    /// Neither: only a complete listing can tell.
    Unknown(String),
}

impl Lister {
    /// One resource by its id. Where there are variants, it is gone only from all of them.
    pub(super) async fn lookup(&self, id: &Arc<str>, interner: &Interner) -> Found {
        let Some(lookup) = &self.product.resources.lookup else {
            return Found::Unknown(format!("{id:?} cannot be looked up"));
        };
        let mut unknown = None;
        for variant in self.product.resources.variants() {
            match self.lookup_in(lookup, &variant, id, interner).await {
                Found::Here(row) => return Found::Here(row),
                Found::Gone => {}
                Found::Unknown(problem) => unknown = Some(problem),
            }
        }
        unknown.map_or(Found::Gone, Found::Unknown)
    }

    async fn lookup_in(
        &self,
        lookup: &Lookup,
        variant: &Parameters,
        id: &Arc<str>,
        interner: &Interner,
    ) -> Found {
        let listing = &self.product.resources;
        let mut parameters = self.parameters([&listing.parameters, variant], None);
        parameters.extend(self.parameters([&lookup.parameters], Some(id)));
        Pager::new(&listing.paging, self.page_size).fill(&mut parameters);
        let region = &self.client.region;
        let decode = |answer: &Value<'_>| described(listing, region, answer, interner);
        match self.client.call(&listing.action, parameters, decode).await {
            Err(error) if is_one_of(&error, &lookup.not_found) => Found::Gone,
            Err(error) => Found::Unknown(error.to_string()),
            Ok(page) => found(id, page, lookup),
        }
    }
}

/// What a page says about `id`; one that has other rows, or counts some, says nothing.
fn found(id: &Arc<str>, page: Page<Described>, lookup: &Lookup) -> Found {
    let empty =
        page.rows.is_empty() && page.total.is_none_or(|total| total == 0) && page.next_token.is_none();
    let row = page.rows.into_iter().find(|row| row.resource.id == *id);
    match row.map(|row| (row.place, row)) {
        Some((Place::Here, row)) => Found::Here(row),
        Some((Place::Deleted, _)) => Found::Gone,
        Some((Place::OtherRegion, _)) => Found::Unknown(format!("lookup of {id:?} returned another region")),
        None if empty && lookup.deleted.is_none() => Found::Gone,
        None if empty => Found::Unknown(format!("lookup of {id:?} returned nothing")),
        None => Found::Unknown(format!("lookup of {id:?} returned other resources")),
    }
}

pub(super) fn is_one_of(error: &ApiError, codes: &[String]) -> bool {
    codes.iter().any(|code| code == error.code())
}
