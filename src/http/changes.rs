//! `GET /tags/changes`: the change log, newest first, page by page.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Answer, busy, error, json};
use super::query::{self, BadQuery};
use super::site::Site;
use crate::publication::history::{ChangeFilter, Logged, Unread};

#[derive(Serialize)]
struct ChangesPage {
    changes: Vec<Logged>,
    next_cursor: Option<String>,
}

pub(super) async fn answer(site: &Site, query: &str) -> Result<Answer, BadQuery> {
    let mut filter = filter(query)?;
    let limit = filter.limit;
    filter.limit += 1; // one more tells whether there is a next page
    let mut changes = match site.change_log.read(filter).await {
        Ok(changes) => changes,
        Err(unread) => return Ok(refused(&unread)),
    };
    let more = changes.len() > limit;
    changes.truncate(limit);
    let last = changes.last().filter(|_| more);
    let next_cursor = last.and_then(|change| query::cursor(&change.position));
    Ok(json(&ChangesPage { changes, next_cursor }))
}

fn refused(unread: &Unread) -> Answer {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match unread {
        Unread::Busy => busy(&unread.to_string()),
        Unread::TooSlow => error(unavailable, "timeout", &unread.to_string()),
        Unread::Unreadable => error(unavailable, "unavailable", &unread.to_string()),
        Unread::Failed(_) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "cannot read the change log")
        }
    }
}

fn filter(query: &str) -> Result<ChangeFilter, BadQuery> {
    let mut filter = ChangeFilter::default();
    let mut limit = None;
    for (name, value) in query::pairs(query) {
        match name.as_str() {
            "since" => query::once(&mut filter.since, &name, moment(&name, &value)?)?,
            "until" => query::once(&mut filter.until, &name, moment(&name, &value)?)?,
            "account" => query::once(&mut filter.target.account, &name, value)?,
            "region_id" => query::once(&mut filter.target.region_id, &name, value)?,
            "product" => query::once(&mut filter.target.product, &name, value)?,
            "resource_id" => query::once(&mut filter.resource_id, &name, value)?,
            "key" => query::once(&mut filter.key, &name, value)?,
            "limit" => query::once(&mut limit, &name, query::limit(&value)?)?,
            "cursor" => query::once(&mut filter.after, &name, query::position(&value)?)?,
            _ => return Err(query::unknown(&name)),
        }
    }
    filter.limit = limit.unwrap_or(1000);
    Ok(filter)
}

fn moment(name: &str, text: &str) -> Result<Timestamp, BadQuery> {
    text.parse()
        .map_err(|_| BadQuery(format!("{name} must be an RFC 3339 time such as 2026-11-24T03:00:00Z")))
}
