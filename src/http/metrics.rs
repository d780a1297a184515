//! `GET /metrics`: the blocks of all targets, family by family, and our own counters.

use bytes::Bytes;
use hyper::StatusCode;

use super::answer::{Answer, error, ok};
use super::site::Site;
use crate::exposition::{self, Family, STATUS, SUBJECT};
use crate::publisher::{Published, Shown};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn answer(site: &Site) -> Answer {
    let own = match site.instruments.render() {
        Ok(own) => own,
        Err(problem) => {
            tracing::error!(%problem, "could not render the exporter's own metrics");
            return error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "metrics could not be rendered");
        }
    };
    let published = site.published.borrow().clone();
    let mut blocks = Vec::new();
    push_families(&mut blocks, &published, SUBJECT, |shown| &shown.subject);
    push_families(&mut blocks, &published, STATUS, |shown| &shown.statuses);
    blocks.push(own.into());
    ok(CONTENT_TYPE, blocks)
}

/// Each family that has samples, under its comment lines.
fn push_families(
    all: &mut Vec<Bytes>,
    published: &Published,
    families: &[Family],
    blocks_of: impl Fn(&Shown) -> &[Bytes],
) {
    for (index, family) in families.iter().enumerate() {
        let blocks = published.targets.values().filter_map(|shown| blocks_of(shown).get(index));
        let mut blocks = blocks.filter(|block| !block.is_empty()).cloned().peekable();
        if blocks.peek().is_some() {
            all.push(exposition::header(family).into());
            all.extend(blocks);
        }
    }
}
