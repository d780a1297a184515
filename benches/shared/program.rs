//! The program as a process, for measurements.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{interval, timeout};

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The running program; it ends with this value.
pub struct Program {
    process: Child,
    url: String,
    http: reqwest::Client,
}

impl Program {
    /// Starts it with this configuration, and waits until it listens.
    pub fn start(folder: &Path, config_text: &str) -> anyhow::Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = folder.join("config.toml");
        std::fs::write(&config, config_text)?;
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
        let opened = lines
            .find_map(|line| Some(line.split_once("listening on ")?.1.split_whitespace().next()?.to_owned()));
        program.url = opened.context("it does not listen")?;
        // Reads on, so that it can write on.
        let is_told = |line: &String| !line.contains(" INFO ");
        std::thread::spawn(move || lines.filter(is_told).for_each(|line| println!("{line}")));
        Ok(program)
    }

    /// Waits until every target was collected.
    pub async fn until_ready(&self, limit: Duration) -> anyhow::Result<()> {
        let mut looks = interval(BETWEEN_LOOKS);
        let looking = async {
            while self.get("/readyz").await? != "ready\n" {
                looks.tick().await;
            }
            anyhow::Ok(())
        };
        timeout(limit, looking).await.context("no collection ended in time")?
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<String> {
        self.http.get(format!("{}{path}", self.url)).send().await?.text().await
    }

    /// A line of `/proc/…/status` that is in kB.
    pub fn megabytes(&self, name: &str) -> anyhow::Result<f64> {
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
