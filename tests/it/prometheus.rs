//! The Prometheus 2 and 3 that `make test` names.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::support::BETWEEN_LOOKS;

/// Prometheus needs some 5 s until its first scrape.
const LIMIT: Duration = Duration::from_secs(60);

/// A Prometheus that scrapes each second.
pub struct Prometheus {
    address: String,
    http: reqwest::Client,
    _running: Child,
    _data: TempDir,
}

/// The folders of its programs, one for each version.
pub fn versions() -> Vec<PathBuf> {
    let folders = std::env::var("TAG_EXPORTER_PROMETHEUS").expect("run by `make test`");
    let folders: Vec<_> = folders.split_whitespace().map(PathBuf::from).collect();
    assert_eq!(folders.len(), 2);
    folders
}

impl Prometheus {
    /// The one of a folder, with these jobs in its configuration.
    pub async fn start(programs: &Path, jobs: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("prometheus.yml");
        std::fs::write(&config, format!("global: {{scrape_interval: 1s}}\nscrape_configs: [{jobs}]\n"))
            .unwrap();
        // The port is free again until Prometheus takes it.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let running = Command::new(programs.join("usr/bin/prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, http, _running: running.unwrap(), _data: data }
    }

    /// Waits until a query has an answer: its series.
    pub async fn until(&self, query: &str) -> Vec<Value> {
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        let looking = async {
            loop {
                looks.tick().await;
                let found = self.query(query).await.unwrap_or_default();
                if !found.is_empty() {
                    return found;
                }
            }
        };
        tokio::time::timeout(LIMIT, looking).await.unwrap_or_else(|_| panic!("no answer to {query} in time"))
    }

    /// `None` until it listens and is ready.
    async fn query(&self, query: &str) -> Option<Vec<Value>> {
        let mut url: url::Url = format!("http://{}/api/v1/query", self.address).parse().unwrap();
        url.query_pairs_mut().append_pair("query", query);
        let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&text).ok()?;
        answer["data"]["result"].as_array().cloned()
    }
}
