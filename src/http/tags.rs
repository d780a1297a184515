//! `GET /tags`: the inventory as JSON, filtered and page by page.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::answer::{Answer, Content, JSON, busy, coded, not_acceptable, not_written};
use super::negotiation;
use super::query::{self, BadQuery};
use super::site::Site;
use crate::inventory::{Resource, Target, TargetFilter};
use crate::policy::{State, Verdict};
use crate::publication::document::{ResourceRow, Snapshot, TargetRow};
use crate::publication::exposition::Block;
use crate::publication::publisher::{Published, Shown};

#[derive(Debug, Default, Hash)]
struct Filter {
    target: TargetFilter,
    resource_id: Option<String>,
    resource_group_id: Option<String>,
    state: Option<String>,
    /// `key` or `key=value`.
    tags: Vec<String>,
    missing: Vec<String>,
    limit: Option<usize>,
    /// Account, region, product and id of the last resource that was shown.
    after: Option<(String, String, String, String)>,
}

/// Pages that are written at once, off the workers that serve scrapes.
pub const MAX_WRITERS: usize = 2;
/// For a turn to write one.
const MAX_WAIT: Duration = Duration::from_secs(2);

pub(super) async fn answer(site: &Site, query: &str, headers: &HeaderMap) -> Result<Answer, BadQuery> {
    let filter = Filter::parse(query)?;
    let Some(coding) = negotiation::coding(headers) else { return Ok(not_acceptable()) };
    let published = site.published.borrow().clone();
    let hash = filter.hashed();
    let etag = format!("\"{}-{}-{hash:016x}-{}\"", site.process_id, published.version, coding.name());
    let mut answer = if is_known(headers, &etag) {
        let mut answer = Answer::new(Content::default());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        match page(site, filter, published).await {
            Ok(page) => coded(JSON, coding, [&*page]),
            Err(refused) => return Ok(refused),
        }
    };
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.headers_mut().insert(ETAG, etag);
    }
    Ok(answer)
}

/// The page, kept or written now; or why there is none.
async fn page(site: &Site, filter: Filter, published: Arc<Published>) -> Result<Arc<Block>, Answer> {
    let (version, hash) = (published.version, filter.hashed());
    if let Some(page) = site.pages.kept(version, hash) {
        return Ok(page);
    }
    let turn = timeout(MAX_WAIT, Arc::clone(&site.page_writers).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(busy("too many pages are being written")) };
    let pages = site.pages.clone();
    let written = spawn_blocking(move || {
        let _turn = turn;
        let write = || serde_json::to_string(&filter.page(&published)).map(|text| Block::of(&text));
        match filter.lets_all_through() {
            true => pages.page(version, hash, write),
            false => write().map(Arc::new),
        }
    });
    written.await.map_err(|_| not_written())?.map_err(|_| not_written())
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == etag || tag == "*")
}

impl Filter {
    fn parse(query: &str) -> Result<Self, BadQuery> {
        let mut filter = Self::default();
        for (name, value) in query::pairs(query) {
            match name.as_str() {
                "account" => query::once(&mut filter.target.account, &name, value)?,
                "region_id" => query::once(&mut filter.target.region_id, &name, value)?,
                "product" => query::once(&mut filter.target.product, &name, value)?,
                "resource_id" => query::once(&mut filter.resource_id, &name, value)?,
                "resource_group_id" => query::once(&mut filter.resource_group_id, &name, value)?,
                "state" => query::once(&mut filter.state, &name, state(value)?)?,
                "tag" => query::repeated(&mut filter.tags, &name, value)?,
                "missing" => query::repeated(&mut filter.missing, &name, value)?,
                "limit" => query::once(&mut filter.limit, &name, query::limit(&value)?)?,
                "cursor" => query::once(&mut filter.after, &name, query::position(&value)?)?,
                _ => return Err(query::unknown(&name)),
            }
        }
        filter.tags.sort();
        filter.missing.sort();
        Ok(filter)
    }

    /// A hash of the filter, stable within this process.
    fn hashed(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether it has only a cursor and a limit, but no filter.
    fn lets_all_through(&self) -> bool {
        let Self { target, resource_id, resource_group_id, state, tags, missing, limit: _, after: _ } = self;
        let texts = [resource_id, resource_group_id, state];
        target.is_open() && texts.iter().all(|text| text.is_none()) && tags.is_empty() && missing.is_empty()
    }

    fn page<'a>(&self, published: &'a Published) -> Snapshot<'a> {
        let limit = self.limit.unwrap_or(1000);
        let targets = published.targets.iter().filter(|(target, _)| self.target.covers(target));
        let rows = targets.clone().flat_map(|(target, shown)| self.rows(target, shown));
        let mut resources: Vec<_> = rows.take(limit + 1).collect();
        let more = resources.len() > limit;
        resources.truncate(limit);
        let last = resources.last().filter(|_| more);
        Snapshot {
            version: published.version,
            generated_at: published.at,
            targets: targets.map(|(target, shown)| target_row(published, target, shown)).collect(),
            next_cursor: last.and_then(cursor),
            resources,
        }
    }

    /// The matching rows of one target after the cursor.
    fn rows<'a>(&self, target: &'a Target, shown: &'a Shown) -> impl Iterator<Item = ResourceRow<'a>> {
        let resources = shown.known.as_ref().map_or(&[][..], |known| &known.resources);
        let start = resources.partition_point(|resource| self.is_before(target, resource));
        let judged = resources.iter().zip(&shown.judgement.verdicts).skip(start);
        judged
            .filter(|(resource, verdict)| self.has(resource, verdict))
            .map(move |(resource, verdict)| ResourceRow::of(target, &shown.resource_type, resource, verdict))
    }

    fn is_before(&self, target: &Target, resource: &Resource) -> bool {
        let key = (&*target.account, &*target.region_id, &*target.product, &*resource.id);
        let after = self.after.as_ref();
        after.is_some_and(|(account, region, product, id)| key <= (account, region, product, id))
    }

    fn has(&self, resource: &Resource, verdict: &Verdict) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.resource_id, &resource.id)
            && fits(&self.resource_group_id, &resource.resource_group_id)
            && fits(&self.state, verdict.state.name())
            && self.tags.iter().all(|wanted| resource.tags.has(wanted))
            && self.missing.iter().all(|key| resource.tags.get(key).is_none())
    }
}

fn state(text: String) -> Result<String, BadQuery> {
    if State::ALL.iter().any(|state| state.name() == text) {
        return Ok(text);
    }
    Err(BadQuery("state must be compliant, violating, pending or exempt".to_owned()))
}

fn target_row<'a>(published: &'a Published, target: &'a Target, shown: &'a Shown) -> TargetRow<'a> {
    let account_id = published.account_ids.get(&target.account).map(|id| &**id);
    let row = TargetRow::of(target, shown.status, &shown.inventory, shown.known.as_ref());
    TargetRow { account_id, ..row }
}

fn cursor(row: &ResourceRow<'_>) -> Option<String> {
    let Target { account, region_id, product } = row.target;
    query::cursor(&(account, region_id, product, row.resource_id))
}
