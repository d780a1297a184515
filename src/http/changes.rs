//! `GET /tags/changes`: the change log, newest first, page by page.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Answer, error, json};
use super::query::{self, BadQuery};
use super::site::Site;
use crate::publication::history::{Filter, Logged};

#[derive(Serialize)]
struct Page {
    changes: Vec<Logged>,
    next_cursor: Option<String>,
}

pub(super) async fn answer(site: &Site, query: &str) -> Result<Answer, BadQuery> {
    let mut filter = filter(query)?;
    let limit = filter.limit;
    filter.limit += 1; // one more tells whether there is a next page
    let Ok(mut changes) = site.history.read(filter).await else {
        let text = "the change log could not be read";
        return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "internal", text));
    };
    let more = changes.len() > limit;
    changes.truncate(limit);
    let last = changes.last().filter(|_| more);
    let next_cursor = last.and_then(|change| query::cursor(&change.place));
    Ok(json(&Page { changes, next_cursor }))
}

fn filter(query: &str) -> Result<Filter, BadQuery> {
    let mut filter = Filter::default();
    let mut limit = None;
    for (name, value) in query::pairs(query) {
        let slot = match name.as_str() {
            "limit" => {
                query::once(&mut limit, &name, query::limit(&value)?)?;
                continue;
            }
            "cursor" => {
                query::once(&mut filter.after, &name, query::place(&value)?)?;
                continue;
            }
            "since" => {
                query::once(&mut filter.since, &name, moment(&name, &value)?)?;
                continue;
            }
            "until" => {
                query::once(&mut filter.until, &name, moment(&name, &value)?)?;
                continue;
            }
            "account" => &mut filter.account,
            "region_id" => &mut filter.region_id,
            "product" => &mut filter.product,
            "resource_id" => &mut filter.resource_id,
            "key" => &mut filter.key,
            _ => return Err(query::unknown(&name)),
        };
        query::once(slot, &name, value)?;
    }
    filter.limit = limit.unwrap_or(1000);
    Ok(filter)
}

fn moment(name: &str, text: &str) -> Result<Timestamp, BadQuery> {
    text.parse().map_err(|_| BadQuery(format!("{name} must be a time such as 2026-11-24T03:00:00Z")))
}
