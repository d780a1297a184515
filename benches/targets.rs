//! `cargo bench --bench targets`: 200 accounts with 20 regions each, by the program itself at the pace of the catalog.
//! This process is the cloud. It fails when not every target is collected within one interval, when more requests are
//! in flight than the configuration allows, or when it takes too much memory.
#![expect(clippy::disallowed_methods, reason = "a benchmark has an environment and tasks of its own")]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::ensure;
use simulator::{self, AccessKey, Cloud, Fault, FaultRule, synthetic};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[path = "shared/program.rs"]
mod program;

use program::Program;

const ACCOUNTS: usize = 200;
const REGIONS: usize = 20;
const INTERVAL: Duration = Duration::from_secs(60);
const CONCURRENCY: usize = 16;
/// An answer takes at least so long, so that requests meet.
const ANSWER: Duration = Duration::from_millis(10);
/// Of the program's resident memory at its highest.
const MAX_MEGABYTES: f64 = 250.0;

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> anyhow::Result<()> {
    let mut state = synthetic(REGIONS, 5, 4);
    state.faults.push(FaultRule::of(Fault::Slow(ANSWER)));
    for n in 0..ACCOUNTS {
        state.access_keys.insert(format!("key-{n}"), AccessKey::long_term("secret"));
    }
    let regions: Vec<_> = state.regions.keys().cloned().collect();
    let cloud = Cloud::new(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = listener.local_addr()?;
    tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
    let mut text = format!(
        "collect = {{ interval = \"{}s\", concurrency = {CONCURRENCY} }}
         api = {{ endpoint = \"http://{endpoint}\" }}\n",
        INTERVAL.as_secs(),
    );
    for n in 0..ACCOUNTS {
        let credentials =
            format!("{{ source = \"static\", access_key_id = \"key-{n}\", access_key_secret = \"secret\" }}");
        writeln!(
            text,
            "[[accounts]]\nname = \"account-{n}\"\nregions = {regions:?}\ncredentials = {credentials}"
        )?;
    }
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let program = Program::start(folder.path(), &text)?;
    let ready = program.until_ready(INTERVAL).await;
    let took = started.elapsed();
    let metrics = program.get("/metrics").await?;
    let number = |prefix: &str, end: &str| {
        metrics.lines().filter(|line| line.starts_with(prefix) && line.ends_with(end)).count()
    };
    let success = number("alicloud_tag_exporter_collection_success{", " 1");
    let most = cloud.edit(|state| state.most_in_flight);
    let requests = cloud.edit(|state| state.log.len());
    let peak = program.megabytes("VmHWM:")?;
    println!("targets           {success}, all collected in {:.1} s", took.as_secs_f64());
    println!("requests          {requests}");
    println!("in flight         {most} at most");
    println!("peak memory       {peak:.1} MB, after a scrape");
    ready?;
    ensure!(success == ACCOUNTS * REGIONS, "{success} targets were collected");
    ensure!(most <= CONCURRENCY, "{most} requests were in flight");
    ensure!(peak < MAX_MEGABYTES, "it took {MAX_MEGABYTES} MB or more");
    Ok(())
}
