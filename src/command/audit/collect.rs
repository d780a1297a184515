//! One collection of every target, all at once.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;

use super::Collected;
use crate::clock::now;
use crate::cloud::discovery::{self, FoundRegion, regions};
use crate::collection::assembly::Assembly;
use crate::collection::collector::Collector;
use crate::collection::targets::{Discovered, searches, settings, targets};
use crate::config::Config;
use crate::instruments::Instruments;
use crate::inventory::{Failure, Outcome, Regions};

/// The outcome of every target, and of every scope whose regions could not be discovered.
pub(super) async fn collect(config: &Config) -> anyhow::Result<Collected> {
    let mut assembly = Assembly::new(config, &Instruments::new()?)?;
    let (discovered, unknown) = discover(&mut assembly, config).await?;
    let mut collectors = Vec::new();
    for wanted in targets(config, &discovered) {
        let parts = assembly.parts(&wanted);
        collectors.push(assembly.collector(wanted.target, &parts)?);
    }
    let mut outcomes = collect_all(collectors).await?;
    outcomes.extend(unknown);
    Ok(Collected { outcomes, settings: settings(config) })
}

/// The discovered regions; for a failed discovery, one failed target `all` stands for the regions of its scope.
async fn discover(assembly: &mut Assembly, config: &Config) -> anyhow::Result<(Discovered, Vec<Outcome>)> {
    let (mut discovered, mut unknown) = (BTreeMap::new(), Vec::new());
    for search in searches(config) {
        let parts = assembly.search_parts(&search);
        let ((client, listing), started) = (assembly.searcher(&parts)?, now());
        let found = regions(&client, &listing).await;
        for scope in search.scopes() {
            match &found {
                Ok(found) => {
                    let regions = Regions::default().answered(found.iter().map(FoundRegion::listed), now());
                    discovered.insert(scope, regions);
                }
                Err(error) => unknown.push(Outcome {
                    target: scope.target(&"all".into()),
                    started,
                    ended: now(),
                    took: Duration::ZERO,
                    listed: Err(Failure::from(discovery::Error::from(error.clone()))),
                }),
            }
        }
    }
    Ok((discovered, unknown))
}

async fn collect_all(collectors: Vec<Collector>) -> anyhow::Result<Vec<Outcome>> {
    let progress = progress(collectors.len())?;
    progress.tick();
    let mut tasks = JoinSet::new();
    for mut collector in collectors {
        tasks.spawn(async move { collector.collect(&[].into()).await });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        outcomes.push(outcome.context("a collection exited unexpectedly")?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(outcomes)
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
