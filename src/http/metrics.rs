//! `GET /metrics`: the blocks of all targets, family by family, and our own counters.

use std::sync::LazyLock;

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, VARY};
use prometheus::proto::MetricFamily;

use super::answer::{Answer, coded, error, not_acceptable};
use super::negotiation;
use super::query::{self, BadQuery};
use super::site::Site;
use crate::inventory::Target;
use crate::publication::exposition::{self, Block, Family, Format, Press, STATUS, SUBJECT};
use crate::publication::publisher::Published;

/// Which part is asked for; all of it where nothing is given.
#[derive(Default)]
struct Part {
    account: Option<String>,
    region_id: Option<String>,
    product: Option<String>,
    /// Names of families.
    collect: Vec<String>,
}

pub(super) fn answer(site: &Site, query: &str, headers: &HeaderMap) -> Result<Answer, BadQuery> {
    let Some(coding) = negotiation::coding(headers) else { return Ok(not_acceptable()) };
    let own = match site.instruments.gather() {
        Ok(own) => own,
        Err(problem) => {
            tracing::error!(%problem, "could not gather the exporter's own metrics");
            let text = "the exporter's own metrics could not be gathered";
            return Ok(error(StatusCode::INTERNAL_SERVER_ERROR, "internal", text));
        }
    };
    let part = Part::parse(query, &own)?;
    let format = negotiation::format(headers);
    let published = site.published.borrow().clone();
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
                "account" => query::once(&mut part.account, &name, value)?,
                "region_id" => query::once(&mut part.region_id, &name, value)?,
                "product" => query::once(&mut part.product, &name, value)?,
                "collect[]" if is_family(&value, own) => part.collect.push(value),
                "collect[]" => return Err(BadQuery(format!("there is no metric {value:?}"))),
                _ => return Err(query::unknown(&name)),
            }
        }
        Ok(part)
    }

    fn has_family(&self, name: &str) -> bool {
        self.collect.is_empty() || self.collect.iter().any(|wanted| wanted == name)
    }

    fn has_target(&self, target: &Target) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.account, &target.account)
            && fits(&self.region_id, &target.region_id)
            && fits(&self.product, &target.product)
    }

    /// The blocks of the targets: each family that has samples, under its comment lines.
    fn blocks<'a>(&self, published: &'a Published, format: Format) -> impl Iterator<Item = &'a Block> {
        let targets = published.targets.iter().filter(|(target, _)| self.has_target(target));
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

    /// Our own counters, and the end of the answer. A part of the targets is without them: jobs that scrape a part
    /// each would all count the same.
    fn own(&self, own: &[MetricFamily], format: Format) -> Block {
        let of_all_targets = self.account.is_none() && self.region_id.is_none() && self.product.is_none();
        let wanted = |family: &&MetricFamily| match self.collect.is_empty() {
            true => of_all_targets,
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
