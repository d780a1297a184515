//! The tags of listed resources: in batches of ids, checked against the tags that the resource listing showed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json_borrow::Value;

use super::batches::Batches;
use super::decode::{Tagged, tagged};
use super::join::TagsById;
use super::lookup::{Found, is_one_of};
use super::paging::{RepeatedToken, Tokens};
use super::{Error, Lister, Rows};
use crate::cloud::api::{ApiError, ErrorKind};
use crate::cloud::catalog::{Parameters, TagListing};
use crate::inventory::{Interner, Tags};

/// More ids that were refused are settled by a second listing.
const MAX_LOOKUPS: usize = 20;

impl Lister {
    /// The tags of all `rows`. A row that turns out to be gone is taken out.
    pub(super) async fn tags(
        &mut self,
        listing: &TagListing,
        rows: &mut Rows,
        interner: &Interner,
    ) -> Result<TagsById, Error> {
        let ids: Vec<Arc<str>> = rows.keys().cloned().collect();
        let (mut tags, mut refused) = (TagsById::default(), Vec::new());
        let mut batches = Batches::of(&ids);
        while let Some(batch) = batches.next(self.ids_per_request) {
            match self.checked_batch(listing, batch, rows, interner).await {
                Err(Error::Api(error)) if says_too_many(listing, &error) && batch.len() > 1 => {
                    self.ids_per_request = batch.len() / 2;
                    tracing::info!(ids = self.ids_per_request, "the API requires fewer ids per request");
                    batches.halve(batch);
                }
                Err(Error::Api(error)) if is_one_of(&error, &listing.not_found) => match batch {
                    [id] => refused.push(Arc::clone(id)),
                    _ => batches.halve(batch),
                },
                found => tags.extend(found?),
            }
        }
        self.settle_refused(listing, &refused, rows, interner).await?;
        Ok(tags)
    }

    /// Takes out the rows whose ids the tag listing refused because they are gone.
    async fn settle_refused(
        &mut self,
        listing: &TagListing,
        refused: &[Arc<str>],
        rows: &mut Rows,
        interner: &Interner,
    ) -> Result<(), Error> {
        let there = self.still_there(refused, MAX_LOOKUPS, interner).await?;
        if let Some(id) = there.keys().next() {
            let action = &self.product.resources.action;
            return Err(
                self.inconsistent(&listing.action, format!("it refuses {id:?}, which {action} lists"))
            );
        }
        refused.iter().for_each(|id| _ = rows.remove(id));
        Ok(())
    }

    /// A batch in which nothing that had tags a moment ago has silently none.
    async fn checked_batch(
        &self,
        listing: &TagListing,
        batch: &[Arc<str>],
        rows: &mut Rows,
        interner: &Interner,
    ) -> Result<TagsById, Error> {
        let (mut tags, others) = self.batch(listing, batch, interner).await?;
        if !others && self.without_their_tags(batch, &tags, rows).is_empty() {
            return Ok(tags);
        }
        (tags, _) = self.batch(listing, batch, interner).await?;
        for id in self.without_their_tags(batch, &tags, rows) {
            match self.lookup(&id, interner).await {
                Found::Gone => rows.remove(&id),
                Found::Here(row) if !self.shows_user_tags(&row.inline) => rows.insert(id, row),
                Found::Here(_) => return Err(self.vanished_tags(listing, &id)),
                Found::Unknown(problem) => {
                    return Err(self.inconsistent(&self.product.resources.action, problem));
                }
            };
        }
        Ok(tags)
    }

    /// The ids for which the tag listing has nothing although the resource listing showed tags.
    fn without_their_tags(&self, batch: &[Arc<str>], tags: &TagsById, rows: &Rows) -> Vec<Arc<str>> {
        let shows_tags = |id: &Arc<str>| rows.get(id).is_some_and(|row| self.shows_user_tags(&row.inline));
        batch.iter().filter(|id| !tags.contains_key(*id) && shows_tags(id)).cloned().collect()
    }

    fn shows_user_tags(&self, inline: &Tags) -> bool {
        inline.iter().any(|(key, _)| !self.system_keys.is_match(&**key))
    }

    fn vanished_tags(&self, listing: &TagListing, id: &Arc<str>) -> Error {
        let resources = &self.product.resources.action;
        let problem = format!("it lists no tags of {id:?}, for which {resources} shows some");
        self.inconsistent(&listing.action, problem)
    }

    /// The tags of one batch of ids, all pages; and whether there were some of ids that were not asked for, which
    /// are left out.
    async fn batch(
        &self,
        listing: &TagListing,
        ids: &[Arc<str>],
        interner: &Interner,
    ) -> Result<(TagsById, bool), Error> {
        let mut asked = self.parameters([&listing.parameters], None);
        let name = &listing.id_parameter;
        asked.extend(ids.iter().zip(1..).map(|(id, n)| (format!("{name}.{n}"), id.to_string())));
        let wanted: HashSet<_, RandomState> = ids.iter().collect();
        let mut pairs = HashMap::<_, Vec<_>, RandomState>::default();
        let (mut tokens, mut others) = (Tokens::default(), false);
        loop {
            let parameters = with_token(&asked, tokens.next.as_deref());
            let decode = |answer: &Value<'_>| tagged(listing, answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await;
            let page = page.map_err(|error| self.denied(error))?;
            for Tagged { resource_id, pair } in page.rows {
                match wanted.contains(&resource_id) {
                    true => pairs.entry(resource_id).or_default().push(pair),
                    false => others = true,
                }
            }
            let more = tokens
                .advance(page.next_token)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken was repeated"))?;
            if !more {
                let shared = |(id, pairs)| (id, interner.share_tags(pairs));
                return Ok((pairs.into_iter().map(shared).collect(), others));
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

/// `NumberExceed.ResourceIds`, with a prefix in some products, or a code of the product's own.
fn says_too_many(listing: &TagListing, error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Rejected { .. })
        && (error.code().contains("NumberExceed") || is_one_of(error, &listing.too_many))
}
