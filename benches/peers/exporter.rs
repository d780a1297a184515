//! The program itself, with a configuration for the simulated cloud.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{interval, timeout};

use crate::Bench;
use crate::cloud::SimulatedCloud;
use crate::running::Running;

/// How long some rounds of collections may take.
const LONGEST_ROUNDS: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub struct Exporter {
    pub process: Running,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    pub http: reqwest::Client,
}

impl Exporter {
    /// Returns when it listens.
    pub async fn start(bench: &Bench, cloud: &SimulatedCloud, interval: &str) -> anyhow::Result<Self> {
        let config = bench.folder.path().join("config.toml");
        let text = format!(
            "collect = {{ interval = {interval:?}, deadline = {interval:?} }}
             api = {{ endpoint = \"http://{}\", requests_per_second = 1e4 }}
             policy = {{ required_tags = [{{ key = \"owner\" }}, {{ key = \"env\" }}] }}
             [[accounts]]
             name = \"bench\"
             regions = {:?}",
            cloud.address, cloud.regions
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter"));
        command
            .args(["--web.listen-address", "127.0.0.1:0", "--config.file"])
            .arg(&config)
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret")
            .stderr(Stdio::piped());
        let mut process = Running::start(&mut command)?;
        let log = process.0.stderr.take().context("it has no log")?;
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let url = lines
            .find_map(|line| Some(line.split_once("listening on ")?.1.split_whitespace().next()?.to_owned()));
        let url = url.context("the exporter does not listen")?;
        // Reads on, so that it can write on.
        std::thread::spawn(move || {
            lines.filter(|line| line.contains("WARN")).for_each(|line| println!("{line}"))
        });
        // Bytes are counted as they come.
        let http = reqwest::Client::builder().no_proxy().no_gzip().build()?;
        Ok(Self { process, url, http })
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<String> {
        self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await
    }

    /// Waits until each target has been collected `times`, and publication has ended: a scrape shows it.
    pub async fn until_collected(&self, times: usize, cloud: &SimulatedCloud) -> anyhow::Result<()> {
        let wanted = times * cloud.regions.len();
        let mut looks = interval(BETWEEN_LOOKS);
        let looking = async {
            while self.sum("alicloud_tag_exporter_collections_total").await? < wanted as f64 {
                looks.tick().await;
            }
            anyhow::Ok(())
        };
        timeout(LONGEST_ROUNDS, looking).await.context("the collections did not end in time")??;
        let failed = self.sum("alicloud_tag_exporter_collection_failures_total").await?;
        ensure!(failed == 0.0, "{failed} collections failed");
        Ok(())
    }

    /// The sum of all samples of one family.
    pub async fn sum(&self, family: &str) -> anyhow::Result<f64> {
        let text = self.get(&format!("/metrics?collect[]={family}")).await?;
        let samples = text.lines().filter(|line| line.starts_with(family));
        Ok(samples.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }
}
