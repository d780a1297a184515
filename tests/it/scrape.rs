//! Prometheus 2 and 3 scrape text that means harm.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::hostile;
use crate::support::{BETWEEN_LOOKS, Daemon};

/// Prometheus needs some 5 s until its first scrape.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn prometheus_2_and_3_store_every_hostile_tag_as_it_is() {
    let daemon = Daemon::start(hostile::state(), "").await;
    daemon.until_fresh().await;
    let folders = std::env::var("TAG_EXPORTER_PROMETHEUS").expect("run by `make test`");
    let folders: Vec<_> = folders.split_whitespace().collect();
    assert_eq!(folders.len(), 2);
    let expected: BTreeSet<_> = hostile::texts().into_iter().map(|text| [text.clone(), text]).collect();
    for folder in folders {
        assert!(stored_by(Path::new(folder), &daemon).await == expected, "{folder}");
    }
}

/// The tags in the Prometheus of a folder after its first scrape.
async fn stored_by(programs: &Path, daemon: &Daemon) -> BTreeSet<[String; 2]> {
    let folder = tempfile::tempdir().unwrap();
    // The port is free again until Prometheus takes it.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let program = programs.join("usr/bin/prometheus");
    let _running = prometheus(&program, &folder.path().join("data"), &address, &daemon.address.to_string());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}/api/v1/query?query=alicloud_resource_tag");
    let mut looks = tokio::time::interval(BETWEEN_LOOKS);
    let stored = tokio::time::timeout(LIMIT, async {
        loop {
            looks.tick().await;
            if let Ok(answer) = http.get(&url).send().await {
                let found = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
                let tags = tags(&found);
                if !tags.is_empty() {
                    return tags;
                }
            }
        }
    });
    stored.await.expect("Prometheus stored nothing in time")
}

/// Key and value of each series in an answer.
fn tags(answer: &Value) -> BTreeSet<[String; 2]> {
    let series = answer["data"]["result"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    series.map(|series| ["key", "value"].map(|name| text(&series["metric"][name]))).collect()
}

fn prometheus(program: &Path, data: &Path, address: &str, target: &str) -> Child {
    let config = data.with_extension("yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs: [{{job_name: tags, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(&config, text).unwrap();
    Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
