//! `audit`: collects every target once, or reads them from a file, judges them, and writes a report.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use tokio::task::spawn_blocking;

use crate::clock::now;
use crate::config::Config;
use crate::instruments::Instruments;
use crate::inventory::shard::Shard;
use crate::inventory::{Failure, Outcome};
use crate::publication::history::History;
use crate::publication::publisher::{Arranged, Arrangement, Published, Publisher, Settings};

mod collect;
mod json;
mod junit;
mod offline;
mod output;
mod report;
mod sarif;
mod table;

use output::Output;
pub use report::Conclusion;
use report::{Audited, Report};
use table::Screen;

/// The options besides the configuration.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Report format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// File to write the report to, replaced only once the report is complete [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Report only resources that violate a rule.
    #[arg(long)]
    pub only_violations: bool,
    /// Evaluate a saved /tags answer or JSON report instead of asking the cloud; "-" reads stdin.
    #[arg(long, value_name = "FILE")]
    pub offline: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Human-readable table.
    #[default]
    Table,
    /// The answer of /tags as one document.
    Json,
    /// JUnit XML, one test case per resource and rule.
    Junit,
    /// SARIF 2.1.0, one result per violation.
    Sarif,
}

/// What is to be reported on.
struct Collected {
    outcomes: Vec<Outcome>,
    settings: Settings,
}

/// Judges the outcomes as the daemon does, whatever the age of a saved listing.
async fn publish(collected: Collected) -> anyhow::Result<Arc<Published>> {
    let Collected { outcomes, settings } = collected;
    let arranged = Arranged { basis: 0, region_missing_since: None };
    let arrangement = Arrangement {
        number: 0,
        settings: Arc::new(Settings { max_staleness: Duration::MAX, ..settings }),
        targets: outcomes.iter().map(|outcome| (outcome.target.clone(), arranged)).collect(),
        regions: BTreeMap::new(),
        scopes: Arc::default(),
    };
    let mut publisher = Publisher::new(History::in_memory(Instruments::new()?)?, arrangement);
    for outcome in &outcomes {
        publisher.absorb(outcome).await;
    }
    Ok(publisher.publish(now()))
}

/// Audits and delivers the report. An error is an answer that could not be found or delivered.
pub async fn run(config: Config, options: Options) -> anyhow::Result<Conclusion> {
    // Every target, also by the configuration of one of several exporters.
    let config = Config { shard: Shard { ordinal: 0, total: 1 }, ..config };
    // Opened first, so that an unwritable output fails before anything is collected.
    let path = options.output.clone();
    let opening = move || Output::open(path.as_deref());
    let output = spawn_blocking(opening).await.context("opening the report failed")??;
    let collected = match options.offline.clone() {
        Some(file) => {
            let rules = config.rules.clone();
            let reading = move || offline::read(&file, rules);
            spawn_blocking(reading).await.context("reading the file failed")??
        }
        None => collect::collect(&config).await?,
    };
    let report = Report::new(&*publish(collected).await?, config.rules, options.only_violations);
    let conclusion = report.conclusion();
    let shows_failures = options.format == Format::Table && options.output.is_none();
    if options.offline.is_none() && !shows_failures {
        report.unknown().for_each(|(audited, failure)| log(audited, failure));
    }
    let writing = move || output.write(|out| write(&report, &options, out));
    spawn_blocking(writing).await.context("writing the report failed")??;
    Ok(conclusion)
}

fn log(audited: &Audited, failure: &Failure) {
    let (target, reason) = (&audited.target, failure.reason.name());
    tracing::warn!(%target, reason, "collection failed: {}", failure.message);
}

fn write(report: &Report, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    match options.format {
        Format::Table => table::write(report, Screen::of(options.output.is_none()), out),
        Format::Json => json::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Sarif => sarif::write(report, out),
    }
}
