//! Prometheus and Alertmanager as shipped in `deploy/prometheus`, only faster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Program, free_address, get, until};

/// So many seconds of the shipped configuration are one second of a test.
const HURRY: u32 = 60;

pub struct Monitoring {
    pub prometheus: String,
    _programs: [Program; 2],
    _folder: TempDir,
}

/// The folder of the programs of Prometheus 2 or 3.
pub fn programs(major: usize) -> PathBuf {
    let folders = std::env::var("TAG_EXPORTER_PROMETHEUS").expect("run by `make test`");
    folders.split_whitespace().nth(major - 2).expect("a folder for each version").into()
}

impl Monitoring {
    /// The programs in the folder `programs`, which scrape `exporter` and tell `webhook`.
    pub async fn start(programs: &Path, exporter: &str, webhook: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (prometheus, alertmanager) = (free_address(), free_address());
        copy_shipped(folder.path(), exporter, &alertmanager, webhook);
        let run =
            |program: PathBuf, arguments: &str| Program::start(&program, folder.path(), arguments.split(' '));
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let of_alertmanager = format!(
            "{} --config.file=alertmanager.yml --storage.path=alerts --cluster.listen-address= \
             --web.listen-address={alertmanager}",
            programs.display()
        );
        let of_prometheus = format!(
            "--config.file=prometheus.yml --storage.tsdb.path=series --query.lookback-delta=5s \
             --web.listen-address={prometheus}"
        );
        let _programs = [
            run(scripts.join("alertmanager"), &of_alertmanager),
            run(programs.join("usr/bin/prometheus"), &of_prometheus),
        ];
        for url in [format!("http://{alertmanager}/-/ready"), format!("http://{prometheus}/-/ready")] {
            until(&url, async || get(&url).await).await;
        }
        Self { prometheus, _programs, _folder: folder }
    }

    /// What Prometheus answers to a query now.
    pub async fn query(&self, query: &str) -> Vec<Value> {
        let mut answer = self.get("/api/v1/query", &[("query", query)]).await;
        serde_json::from_value(answer["data"]["result"].take()).unwrap()
    }

    /// Waits until Prometheus answers something to a query.
    pub async fn until(&self, query: &str) -> Value {
        until(query, async || self.query(query).await.into_iter().next()).await
    }

    /// When the only alert of this name and state began to be active.
    pub async fn active_since(&self, name: &str, state: &str) -> Option<Value> {
        let alerts = self.get("/api/v1/alerts", &[]).await;
        let mut alerts = alerts["data"]["alerts"].as_array().unwrap().iter();
        let alert = alerts.find(|alert| alert["labels"]["alertname"] == name && alert["state"] == state)?;
        Some(alert["activeAt"].clone())
    }

    /// The rules that Prometheus could not evaluate, with their errors.
    pub async fn rule_errors(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules", &[]).await;
        let groups = answer["data"]["groups"].as_array().unwrap();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
        rules.filter(|rule| rule["health"] == "err").cloned().collect()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let mut url: url::Url = format!("http://{}{path}", self.prometheus).parse().unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let text = get(url.clone()).await.unwrap_or_else(|| panic!("Prometheus refused {url}"));
        serde_json::from_str(&text).unwrap()
    }
}

/// The files of `deploy/prometheus` in `folder`, with the addresses of this test and shorter times.
fn copy_shipped(folder: &Path, exporter: &str, alertmanager: &str, webhook: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    std::fs::create_dir(folder.join("rules")).unwrap();
    for name in ["prometheus.yml", "alertmanager.yml", "rules/tags.yml", "rules/exporter.yml"] {
        let mut text = hurried(&std::fs::read_to_string(shipped.join(name)).unwrap());
        for (from, to) in
            [("127.0.0.1:10042", exporter), ("127.0.0.1:9093", alertmanager), ("127.0.0.1:9095", webhook)]
        {
            text = text.replace(from, to);
        }
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The text with every duration divided by [`HURRY`].
fn hurried(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.map(hurried_word).collect()
}

fn hurried_word(word: &str) -> String {
    let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let has_unit = bare.starts_with(|c: char| c.is_ascii_digit()) && bare.ends_with(['s', 'm', 'h', 'd']);
    match humantime::parse_duration(bare) {
        Ok(duration) if has_unit => format!("{}{}", in_ms(duration / HURRY), &word[bare.len()..]),
        _ => word.to_owned(),
    }
}

fn in_ms(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

#[test]
fn durations_become_shorter_and_nothing_else_changes() {
    assert_eq!(
        hurried("for: 10m\nx[1h] > 5 * 60\nhb-1 30s"),
        "for: 10000ms\nx[60000ms] > 5 * 60\nhb-1 500ms"
    );
}
