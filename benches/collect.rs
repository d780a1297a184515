//! `cargo bench --bench collect`: one collection of 10,000 clusters with 5 tags each, by the program itself, without
//! pacing. This process is the cloud. It fails when there was one request too many, or too much time or memory.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use alicloud_tag_exporter::simulator::{self, Cloud, State, synthetic};
use anyhow::{Context as _, ensure};
use tokio::net::TcpListener;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

const CLUSTERS: usize = 10_000;
const TAGS: usize = 5;
/// 100 clusters on a page, 50 ids in a batch, and all tags of a batch on one page.
const REQUESTS: usize = CLUSTERS / 100 + CLUSTERS / 50;

const MAX_SECONDS: f64 = 3.0;
/// Of the program's resident memory at its highest, before the first scrape.
const MAX_MEGABYTES: f64 = 60.0;

/// How long the first collection may take to end.
const LIMIT: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

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
    let mut program = Program::start(folder.path(), endpoint)?;
    program.until_ready().await?;
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
    state.limits.tag_rows = 50 * TAGS;
    let cloud = Cloud::new(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = listener.local_addr()?;
    tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
    Ok((cloud, endpoint))
}

/// The running program; it ends with this value.
struct Program {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Program {
    fn start(folder: &Path, endpoint: SocketAddr) -> anyhow::Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = folder.join("config.toml");
        let text = format!(
            "collect = {{ interval = \"1m\" }}
             api = {{ endpoint = \"http://{endpoint}\", requests_per_second = 1e6 }}
             [[accounts]]
             name = \"bench\"
             regions = [\"cn-hangzhou\"]"
        );
        std::fs::write(&config, text)?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter"))
            .args(["--web.listen-address", "127.0.0.1:0", "--config.file"])
            .arg(&config)
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret")
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().context("it has no log")?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut program = Self { process, url: String::new(), http };
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let opened = lines.find_map(|line| Some(line.split_once("open ")?.1.split_once("/,")?.0.to_owned()));
        program.url = opened.context("it does not listen")?;
        // Reads on, so that it can write on.
        std::thread::spawn(move || lines.for_each(|line| println!("{line}")));
        Ok(program)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let mut looks = interval(BETWEEN_LOOKS);
        let looking = async {
            while self.get("/readyz").await? != "ready\n" {
                looks.tick().await;
            }
            anyhow::Ok(())
        };
        timeout(LIMIT, looking).await.context("no collection ended in time")?
    }

    async fn get(&self, path: &str) -> reqwest::Result<String> {
        self.http.get(format!("{}{path}", self.url)).send().await?.text().await
    }

    /// A line of `/proc/…/status` that is in kB.
    fn megabytes(&self, name: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0 / 1e6)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The values of a metric's samples.
fn values<'a>(metrics: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    let samples = metrics.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('{'));
    samples.filter_map(|sample| sample.rsplit_once(' ')?.1.parse().ok())
}
