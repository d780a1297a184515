//! One collection of every target, all at once.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;

use super::report::Collected;
use crate::collector::Collector;

/// The outcomes, in the order in which they came.
pub(super) async fn collect(collectors: Vec<Collector>) -> anyhow::Result<Vec<Collected>> {
    let progress = progress(collectors.len())?;
    progress.tick();
    let mut tasks = JoinSet::new();
    for mut collector in collectors {
        tasks.spawn(async move {
            let outcome = collector.collect().await;
            Collected { outcome, resource_type: collector.lister.product.resource_type.clone() }
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.push(ended.context("a collection ended unasked")?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    all.iter().for_each(tell);
    Ok(all)
}

fn tell(collected: &Collected) {
    let target = &collected.outcome.target;
    match &collected.outcome.listed {
        Ok(listing) if listing.count_mismatch => {
            tracing::warn!(%target, "the cloud counts another number of resources than it names");
        }
        Ok(_) => {}
        Err(failure) => {
            tracing::warn!(%target, reason = failure.reason, "collection failed: {}", failure.message);
        }
    }
}

/// On stderr, and only where that is a terminal.
fn progress(targets: usize) -> anyhow::Result<ProgressBar> {
    let draw = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} targets collected, {elapsed}")?;
    Ok(ProgressBar::with_draw_target(Some(targets as u64), draw).with_style(style))
}
