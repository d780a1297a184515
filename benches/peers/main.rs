//! `make bench`: the exporter beside its peers, whole processes in one run on this machine, where this process is the
//! cloud. It prints a table, and fails when a limit is missed.
//!
//! Other work on the machine moves every figure, so what is compared runs in turns, and ratios are what counts.
#![expect(clippy::disallowed_methods, reason = "a benchmark has an environment and tasks of its own")]

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

mod cloud;
mod exporter;
mod load;
mod peers;
mod publication;
mod rounds;
mod running;
mod sdk;
mod serving;
mod slow;
mod small;
mod table;

use cloud::SimulatedCloud;
use exporter::Exporter;
use table::Table;

const REGIONS: usize = 20;
const CLUSTERS: usize = 5_000;
const TAGS: usize = 5;

/// What the peers are started from, and what they write to.
struct Bench {
    /// Where the Debian packages of the peers are unpacked.
    debs: PathBuf,
    python: PathBuf,
    folder: tempfile::TempDir,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut table = Table::default();
    let measured = measure(&mut table).await;
    println!("\n{table}");
    if let Err(error) = measured {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    if table.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    rlimit::increase_nofile_limit(u64::MAX)?;
    let path = |name: &str| env::var_os(name).map(PathBuf::from).context(format!("{name} is not set"));
    let bench =
        Bench { debs: path("BENCH_DEBS")?, python: path("BENCH_PYTHON")?, folder: tempfile::tempdir()? };

    if wanted("small") {
        small::measure(&bench, table).await?;
    }
    let cloud = SimulatedCloud::start(REGIONS, CLUSTERS, TAGS).await?;
    if wanted("rounds") {
        let rate = rounds::measure(&bench, &cloud, table).await?;
        publication::measure(&cloud, table).await?;
        sdk::measure(&bench, &cloud, rate, table).await?;
    }
    let exporter = Exporter::start(&bench, &cloud, "1h").await?;
    exporter.until_collected(1, &cloud).await?;
    if wanted("nginx") {
        serving::beside_nginx(&bench, &exporter, table).await?;
    }
    if wanted("slow") {
        slow::measure(&exporter, table).await?;
    }
    if wanted("exporters") {
        serving::beside_exporters(&bench, &exporter, table).await?;
    }
    Ok(())
}

/// Every part, or those that are named: `cargo bench --bench peers -- nginx slow`.
fn wanted(part: &str) -> bool {
    let named: Vec<_> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wanted = named.is_empty() || named.iter().any(|name| name == part);
    if wanted {
        println!("measures: {part}");
    }
    wanted
}
