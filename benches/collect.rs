//! `cargo bench --bench collect`: one collection of 10,000 clusters with 5 tags each, by the program itself, without
//! pacing. This process is the cloud. It fails when there was one request too many, or too much time or memory.
#![expect(clippy::disallowed_methods, reason = "a benchmark has an environment and tasks of its own")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use simulator::{self, Cloud, State, synthetic};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[path = "shared/program.rs"]
mod program;

use program::Program;

const CLUSTERS: usize = 10_000;
const TAGS: usize = 5;
/// 100 clusters on a page, 50 ids in a batch, and all tags of a batch on one page.
const REQUESTS: usize = CLUSTERS / 100 + CLUSTERS / 50;

const MAX_SECONDS: f64 = 3.0;
/// Of the program's resident memory at its highest, before the first scrape.
const MAX_MEGABYTES: f64 = 60.0;

/// How long the first collection may take to end.
const LIMIT: Duration = Duration::from_secs(60);

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
    let (cloud, endpoint) = start_cloud().await?;
    let folder = tempfile::tempdir()?;
    let text = format!(
        "collect = {{ interval = \"1m\" }}
         api = {{ endpoint = \"http://{endpoint}\", requests_per_second = 1e4 }}
         [[accounts]]
         name = \"bench\"
         regions = [\"cn-hangzhou\"]"
    );
    let program = Program::start(folder.path(), &text)?;
    program.until_ready(LIMIT).await?;
    let peak = program.megabytes("VmHWM:")?;
    let of_hbase =
        |state: &mut State| state.log.iter().filter(|entry| entry.action != "GetCallerIdentity").count();
    let requests = cloud.edit(of_hbase);
    let metrics = program.get("/metrics").await?;
    let sum = |name| values(&metrics, name).sum::<f64>();
    let seconds = sum("alicloud_tag_exporter_collection_duration_seconds");
    let tags = sum("alicloud_resource_tags");

    println!("requests          {requests}");
    println!("one collection    {seconds:.2} s");
    println!("peak memory       {peak:.1} MB, {:.1} MB after a scrape", program.megabytes("VmHWM:")?);
    println!("resident memory   {:.1} MB", program.megabytes("VmRSS:")?);
    ensure!(values(&metrics, "alicloud_resource_tags").count() == CLUSTERS, "clusters are missing");
    ensure!(tags == (CLUSTERS * TAGS) as f64, "there are {tags} tags, not {}", CLUSTERS * TAGS);
    ensure!(requests == REQUESTS, "{requests} requests, not {REQUESTS}");
    ensure!(seconds < MAX_SECONDS, "one collection took {MAX_SECONDS} s or more");
    ensure!(peak < MAX_MEGABYTES, "it took {MAX_MEGABYTES} MB or more");
    Ok(())
}

async fn start_cloud() -> anyhow::Result<(Cloud, SocketAddr)> {
    let mut state = synthetic(1, CLUSTERS, TAGS);
    state.limits.tag_rows = Some(50 * TAGS);
    let cloud = Cloud::new(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = listener.local_addr()?;
    tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
    Ok((cloud, endpoint))
}

/// The values of a metric's samples.
fn values<'a>(metrics: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    let samples = metrics.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('{'));
    samples.filter_map(|sample| sample.rsplit_once(' ')?.1.parse().ok())
}
