//! One collection of every target, all at once.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;

use super::report::Collected;
use crate::clock::now;
use crate::cloud::catalog::Product;
use crate::cloud::discovery::{self, regions};
use crate::collection::assembly::{AccountParts, Parts};
use crate::collection::collector::Collector;
use crate::config::Config;
use crate::instruments::Instruments;
use crate::inventory::{Failure, Outcome, Target};

/// The outcomes of every target, in the order in which they came.
pub(super) async fn collect(config: &Config) -> anyhow::Result<Vec<Collected>> {
    let mut parts = Parts::new(config, &Instruments::new()?)?;
    let (mut collectors, mut unknown) = (Vec::new(), Vec::new());
    for account in parts.accounts(&config.accounts)? {
        collectors.extend(parts.collectors(&account)?);
        for (_, product) in account.scopes() {
            match found(&mut parts, &account, &product).await? {
                Ok(found) => collectors.extend(found),
                Err(outcome) => unknown.push(outcome),
            }
        }
    }
    let mut all = collect_all(collectors).await?;
    all.extend(unknown);
    all.iter().for_each(tell);
    Ok(all)
}

/// The collectors of the regions that the cloud names; or that they are not known, as a target that was not listed.
async fn found(
    parts: &mut Parts,
    account: &AccountParts,
    product: &Arc<Product>,
) -> anyhow::Result<Result<Vec<Collector>, Collected>> {
    let ((client, listing), started) = (parts.searcher(account, product)?, now());
    let regions = match regions(&client, &listing).await {
        Ok(regions) => regions,
        Err(error) => {
            let outcome = Outcome {
                target: Target::new(&account.account.name, "all", &product.name),
                started,
                ended: now(),
                took: Duration::ZERO,
                listed: Err(Failure::from(discovery::Error::from(error))),
            };
            return Ok(Err(Collected { outcome, resource_type: product.resource_type.clone() }));
        }
    };
    let mut collectors = Vec::new();
    for region in regions {
        collectors.extend(parts.collector(account, product, &region.id, region.told_host.as_deref())?);
    }
    Ok(Ok(collectors))
}

async fn collect_all(collectors: Vec<Collector>) -> anyhow::Result<Vec<Collected>> {
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
