//! `GET /metrics`: the blocks of all targets, family by family, and the exporter's own metrics.

use std::sync::LazyLock;

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, VARY};
use prometheus::proto::MetricFamily;

use super::answer::{Answer, coded, error, not_acceptable};
use super::negotiation;
use super::query::{self, BadQuery};
use super::site::Site;
use crate::inventory::TargetFilter;
use crate::publication::exposition::{self, Block, Family, Format, Press, STATUS, SUBJECT};
use crate::publication::publisher::Published;

/// The requested part; everything by default.
#[derive(Default)]
struct Part {
    target: TargetFilter,
    /// Names of families.
    collect: Vec<String>,
}

pub(super) fn answer(site: &Site, query: &str, headers: &HeaderMap) -> Result<Answer, BadQuery> {
    let Some(coding) = negotiation::coding(headers) else { return Ok(not_acceptable()) };
    let own = match site.instruments.gather() {
        Ok(own) => own,
        Err(problem) => {
            tracing::error!(%problem, "cannot gather the exporter's own metrics");
            let text = "cannot gather the exporter's own metrics";
            return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "internal", text));
        }
    };
    let part = Part::parse(query, &own)?;
    let format = negotiation::format(headers);
    let published = site.published.borrow().clone();
    if !part.target.is_open() && !published.names(&part.target) {
        return Err(BadQuery("the configuration has no such account or product".to_owned()));
    }
    let own = part.own(&own, format);
    let blocks = part.blocks(&published, format).chain([&own]);
    let content_type = match format {
        Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    let mut answer = coded(content_type, coding, blocks);
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    Ok(answer)
}

impl Part {
    fn parse(query: &str, own: &[MetricFamily]) -> Result<Self, BadQuery> {
        let mut part = Self::default();
        for (name, value) in query::pairs(query) {
            match name.as_str() {
                "account" => query::once(&mut part.target.account, &name, value)?,
                "region_id" => query::once(&mut part.target.region_id, &name, value)?,
                "product" => query::once(&mut part.target.product, &name, value)?,
                "collect[]" if is_family(&value, own) => query::repeated(&mut part.collect, &name, value)?,
                "collect[]" => return Err(BadQuery(format!("unknown metric {value:?}"))),
                _ => return Err(query::unknown(&name)),
            }
        }
        Ok(part)
    }

    fn has_family(&self, name: &str) -> bool {
        self.collect.is_empty() || self.collect.iter().any(|wanted| wanted == name)
    }

    /// The blocks of the targets: each family that has samples, under its comment lines.
    fn blocks<'a>(&self, published: &'a Published, format: Format) -> impl Iterator<Item = &'a Block> {
        let targets = published.targets.iter().filter(|(target, _)| self.target.covers(target));
        let targets: Vec<_> = targets.map(|(_, shown)| shown).collect();
        let headers = match format {
            Format::Text => &TEXT_HEADERS,
            Format::OpenMetrics => &OPEN_METRICS_HEADERS,
        };
        let families = families().zip(headers.iter()).enumerate();
        let families = families.filter(|(_, (family, _))| self.has_family(family.name));
        let mut all = Vec::new();
        for (index, (_, header)) in families {
            let before = all.len();
            all.push(header);
            all.extend(targets.iter().filter_map(|shown| shown.block(index)));
            if all.len() == before + 1 {
                all.pop();
            }
        }
        all.into_iter()
    }

    /// The exporter's own metrics, and the last line. They are left out for a part of the targets: jobs that each
    /// scrape a part would all count the same.
    fn own(&self, own: &[MetricFamily], format: Format) -> Block {
        let wanted = |family: &&MetricFamily| match self.collect.is_empty() {
            true => self.target.is_open(),
            false => self.has_family(family.name()),
        };
        let mut press = Press::default();
        for family in own.iter().filter(wanted) {
            let (kind, lines) = exposition::own(family);
            press.push(&exposition::header(family.name(), kind, family.help(), format));
            press.push(&lines);
        }
        press.push(exposition::end(format));
        press.block()
    }
}

static TEXT_HEADERS: LazyLock<Vec<Block>> = LazyLock::new(|| headers(Format::Text));
static OPEN_METRICS_HEADERS: LazyLock<Vec<Block>> = LazyLock::new(|| headers(Format::OpenMetrics));

fn headers(format: Format) -> Vec<Block> {
    let header = |family: &Family| exposition::header(family.name, family.kind, family.help, format);
    families().map(|family| Block::of(&header(family))).collect()
}

/// The families of targets, in the order of their blocks.
fn families() -> impl Iterator<Item = &'static Family> {
    SUBJECT.iter().chain(STATUS)
}

fn is_family(name: &str, own: &[MetricFamily]) -> bool {
    families().any(|family| family.name == name) || own.iter().any(|family| family.name() == name)
}
