//! The tags of listed resources: in batches of ids, checked against the tags that the resource listing showed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json_borrow::Value;

use super::decode::{Tagged, tagged};
use super::join::TagsById;
use super::paging::{RepeatedToken, Tokens};
use super::{Error, Lister, Rows};
use crate::cloud::api::{ApiError, ErrorKind};
use crate::inventory::{Interner, Tags};

impl Lister {
    /// The tags of all `rows`. A row that turns out to be gone is taken out.
    pub(super) async fn tags(&mut self, rows: &mut Rows, interner: &Interner) -> Result<TagsById, Error> {
        let ids: Vec<Arc<str>> = rows.keys().cloned().collect();
        let mut tags = TagsById::default();
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let batch = &rest[..rest.len().min(self.ids_per_request)];
            match self.checked_batch(batch, rows, interner).await {
                Err(Error::Api(error)) if says_too_many(&error) && batch.len() > 1 => {
                    self.ids_per_request = batch.len() / 2;
                    tracing::info!(ids = self.ids_per_request, "the cloud takes fewer ids in one request");
                    continue;
                }
                found => tags.extend(found?),
            }
            rest = &rest[batch.len()..];
        }
        Ok(tags)
    }

    /// A batch in which nothing that had tags a moment ago has silently none.
    async fn checked_batch(
        &self,
        batch: &[Arc<str>],
        rows: &mut Rows,
        interner: &Interner,
    ) -> Result<TagsById, Error> {
        let mut tags = self.batch(batch, interner).await?;
        if self.without_their_tags(batch, &tags, rows).is_empty() {
            return Ok(tags);
        }
        tags = self.batch(batch, interner).await?;
        for id in self.without_their_tags(batch, &tags, rows) {
            match self.lookup(&id, interner).await? {
                None => rows.remove(&id),
                Some(row) if !self.shows_user_tags(&row.inline) => rows.insert(id, row),
                Some(_) => return Err(self.vanished_tags(&id)),
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

    fn vanished_tags(&self, id: &Arc<str>) -> Error {
        let listing = &self.product.resources.action;
        let problem = format!("it names no tag of {id:?}, of which {listing} shows some");
        self.inconsistent(&self.product.tags.action, problem)
    }

    /// The tags of one batch of ids, all pages.
    async fn batch(&self, ids: &[Arc<str>], interner: &Interner) -> Result<TagsById, Error> {
        let listing = &self.product.tags;
        let mut asked = self.parameters(&listing.parameters);
        asked.extend(ids.iter().zip(1..).map(|(id, n)| (format!("ResourceId.{n}"), id.to_string())));
        let mut pairs = HashMap::<_, Vec<_>, RandomState>::default();
        let mut tokens = Tokens::default();
        loop {
            let parameters = with_token(&asked, tokens.next.as_deref());
            let decode = |answer: &Value<'_>| tagged(listing, answer, interner);
            let page = self.client.call(&listing.action, parameters, decode).await.map_err(denied)?;
            for Tagged { resource_id, pair } in page.rows {
                pairs.entry(resource_id).or_default().push(pair);
            }
            let more = tokens
                .advance(page.next_token)
                .map_err(|RepeatedToken| self.inconsistent(&listing.action, "a NextToken came twice"))?;
            if !more {
                return Ok(pairs.into_iter().map(|(id, pairs)| (id, interner.share_tags(pairs))).collect());
            }
        }
    }
}

fn with_token(asked: &BTreeMap<String, String>, token: Option<&str>) -> BTreeMap<String, String> {
    let mut parameters = asked.clone();
    if let Some(token) = token {
        parameters.insert("NextToken".to_owned(), token.to_owned());
    }
    parameters
}

fn denied(error: ApiError) -> Error {
    match error.kind {
        ErrorKind::Denied { .. } => Error::TagsDenied(error),
        _ => Error::Api(error),
    }
}

/// `NumberExceed.ResourceIds`, with a prefix in some products.
fn says_too_many(error: &ApiError) -> bool {
    matches!(&error.kind, ErrorKind::Rejected { code } if code.contains("NumberExceed"))
}
