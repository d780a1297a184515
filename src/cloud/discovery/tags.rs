//! The tags of listed resources: in batches of ids, checked against the tags that the resource listing showed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json_borrow::Value;

use super::batches::Batches;
use super::decode::{Tagged, tagged};
use super::join::{ReadTags, TagsById};
use super::lookup::is_one_of;
use super::paging::{RepeatedToken, Tokens};
use super::{Error, Ids, Lister, Rows, known};
use crate::cloud::api::{ApiError, ErrorKind};
use crate::cloud::catalog::{Parameters, TagListing};
use crate::inventory::{Interner, Resource};

/// So many ids may be refused, one by one, before any is taken: then it is the request that the cloud refuses.
const MAX_REFUSED_AT_FIRST: usize = 8;

/// The tags of one batch of ids.
#[derive(Default)]
struct Batch {
    tags: TagsById,
    unreadable: Ids,
    /// There were rows of ids that were not asked for, which are left out.
    has_others: bool,
}

/// The ids that the tag listing refuses one by one.
#[derive(Default)]
struct Refused {
    ids: Vec<Arc<str>>,
    last: Option<ApiError>,
    others_are_taken: bool,
}

impl Refused {
    fn add(&mut self, id: &Arc<str>, error: ApiError) -> Result<(), ApiError> {
        if !self.others_are_taken && self.ids.len() >= MAX_REFUSED_AT_FIRST {
            return Err(error);
        }
        self.ids.push(Arc::clone(id));
        self.last = Some(error);
        Ok(())
    }

    /// The refused ids, unless it seems to be the request that is refused, whatever the id.
    fn settled(self, listing: &TagListing) -> Result<Vec<Arc<str>>, ApiError> {
        match self.last {
            Some(error) if !self.others_are_taken && !is_one_of(&error, &listing.not_found) => Err(error),
            _ => Ok(self.ids),
        }
    }
}

impl Lister {
    /// The tags of all `rows`. A row that turns out to be gone is taken out.
    pub(super) async fn tags(
        &mut self,
        listing: &TagListing,
        rows: &mut Rows,
        previous: &[Resource],
        interner: &Interner,
    ) -> Result<ReadTags, Error> {
        let ids: Vec<Arc<str>> = rows.keys().cloned().collect();
        let (mut read, mut refused) = (ReadTags::default(), Refused::default());
        let mut batches = Batches::of(&ids);
        while let Some(batch) = batches.next(self.ids_per_request) {
            match self.checked_batch(listing, batch, rows, previous, interner, &mut read).await {
                Err(Error::Api(error)) if says_too_many(listing, &error) && batch.len() > 1 => {
                    self.ids_per_request = batch.len() / 2;
                    tracing::info!(ids = self.ids_per_request, "the API requires fewer ids per request");
                    batches.halve(batch);
                }
                Err(Error::Api(error)) if refuses_ids(listing, &error) => match batch {
                    [id] => refused.add(id, error)?,
                    _ => batches.halve(batch),
                },
                checked => {
                    checked?;
                    refused.others_are_taken = true;
                }
            }
        }
        let refused = refused.settled(listing)?;
        self.settle_refused(refused, rows, interner, &mut read).await;
        Ok(read)
    }

    /// Of ids that the tag listing refuses, those that are gone are taken out; the tags of the others are unreadable.
    async fn settle_refused(
        &self,
        mut refused: Vec<Arc<str>>,
        rows: &mut Rows,
        interner: &Interner,
        read: &mut ReadTags,
    ) {
        if self.can_look_up(refused.len(), 0) {
            let found = self.look_up(&refused, interner).await;
            refused.retain(|id| !found.gone.contains(id));
            read.take_out(found.gone, rows);
        }
        read.unreadable.extend(refused);
    }

    /// Reads a batch. Where it contradicts what the resource listing shows, or what was known, it is asked again; what
    /// still contradicts the listing then is unreadable.
    async fn checked_batch(
        &self,
        listing: &TagListing,
        ids: &[Arc<str>],
        rows: &mut Rows,
        previous: &[Resource],
        interner: &Interner,
        read: &mut ReadTags,
    ) -> Result<(), Error> {
        let mut batch = self.batch(listing, ids, interner).await?;
        let is_odd = |batch: &Batch| {
            let lost = |id: &Arc<str>| {
                let had = known(previous, id).is_some_and(|known| !known.tags.is_empty());
                had && batch.tags.get(id).is_none_or(|tags| !self.has_user_tags(tags))
            };
            batch.has_others || ids.iter().any(|id| self.lacks_shown(batch, id, rows) || lost(id))
        };
        if is_odd(&batch) {
            batch = self.batch(listing, ids, interner).await?;
        }
        let odd: Vec<_> = ids.iter().filter(|id| self.lacks_shown(&batch, id, rows)).cloned().collect();
        self.settle_odd(&odd, &batch, rows, interner, read).await;
        read.unreadable.extend(batch.unreadable);
        read.tags.extend(batch.tags);
        Ok(())
    }

    /// Looks up what is odd: the tags may have changed in between.
    async fn settle_odd(
        &self,
        odd: &[Arc<str>],
        batch: &Batch,
        rows: &mut Rows,
        interner: &Interner,
        read: &mut ReadTags,
    ) {
        let mut gone = Ids::new();
        if self.can_look_up(odd.len(), 0) {
            let found = self.look_up(odd, interner).await;
            rows.extend(found.there);
            gone = found.gone;
        }
        let still = odd.iter().filter(|id| !gone.contains(*id) && self.lacks_shown(batch, id, rows));
        read.unreadable.extend(still.cloned());
        read.take_out(gone, rows);
    }

    /// Whether the batch lacks a user's tag of `id` that the resource listing shows.
    fn lacks_shown(&self, batch: &Batch, id: &Arc<str>, rows: &Rows) -> bool {
        let Some(row) = rows.get(id) else { return false };
        let listed = batch.tags.get(id);
        let is_listed = |key: &str| listed.is_some_and(|tags| tags.get(key).is_some());
        row.inline.iter().any(|(key, _)| !is_listed(key) && !self.system_keys.is_match(&**key))
    }

    /// The tags of one batch of ids, all pages.
    async fn batch(
        &self,
        listing: &TagListing,
        ids: &[Arc<str>],
        interner: &Interner,
    ) -> Result<Batch, Error> {
        let mut asked = self.parameters([&listing.parameters], None);
        let name = &listing.id_parameter;
        asked.extend(ids.iter().zip(1..).map(|(id, n)| (format!("{name}.{n}"), id.to_string())));
        let wanted: HashSet<_, RandomState> = ids.iter().collect();
        let mut pairs = HashMap::<_, Vec<_>, RandomState>::default();
        let (mut tokens, mut batch) = (Tokens::default(), Batch::default());
        loop {
            let parameters = with_token(&asked, tokens.next.as_deref());
            let decode = |answer: &Value<'_>| tagged(listing, answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await;
            let page = page.map_err(|error| self.denied(error))?;
            self.spend_tags(&listing.action, page.rows.len(), interner)?;
            for Tagged { resource_id, pair } in page.rows {
                match pair {
                    _ if !wanted.contains(&resource_id) => batch.has_others = true,
                    Some(pair) => pairs.entry(resource_id).or_default().push(pair),
                    None => _ = batch.unreadable.insert(resource_id),
                }
            }
            let more = tokens
                .advance(page.next_token)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken was repeated"))?;
            if !more {
                let shared = |(id, pairs)| (id, interner.share_tags(pairs));
                batch.tags = pairs.into_iter().map(shared).collect();
                return Ok(batch);
            }
        }
    }

    /// Without the permission there may be another way.
    fn denied(&self, error: ApiError) -> Error {
        match error.kind {
            ErrorKind::Denied { .. } if self.product.resources.inline_tags.is_some() => {
                Error::TagsDenied(error)
            }
            _ => Error::Api(error),
        }
    }
}

fn with_token(asked: &Parameters, token: Option<&str>) -> Parameters {
    let mut parameters = asked.clone();
    if let Some(token) = token {
        parameters.insert("NextToken".to_owned(), token.to_owned());
    }
    parameters
}

/// A code that may be about one of the ids.
fn refuses_ids(listing: &TagListing, error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Rejected { .. }) || is_one_of(error, &listing.not_found)
}

/// `NumberExceed.ResourceIds`, with a prefix in some products, or a code of the product's own.
fn says_too_many(listing: &TagListing, error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Rejected { .. })
        && (error.code().contains("NumberExceed") || is_one_of(error, &listing.too_many))
}
