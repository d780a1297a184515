//! A real Prometheus scrapes text that means harm. It stands beside promtool, in the same package.

use std::collections::BTreeSet;
use std::path::PathBuf;
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
#[ignore = "needs prometheus; `make test` runs it"]
async fn prometheus_stores_every_hostile_tag_as_it_is() {
    let daemon = Daemon::start(hostile::state(), "").await;
    daemon.until_fresh().await;
    let folder = tempfile::tempdir().unwrap();
    // The port is free again until Prometheus takes it.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let _running = prometheus(&folder.path().join("data"), &address, &daemon.address.to_string());
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
    let stored = stored.await.expect("Prometheus stored nothing in time");
    assert_eq!(stored, hostile::texts().into_iter().map(|text| [text.clone(), text]).collect());
}

/// Key and value of each series in an answer.
fn tags(answer: &Value) -> BTreeSet<[String; 2]> {
    let series = answer["data"]["result"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    series.map(|series| ["key", "value"].map(|name| text(&series["metric"][name]))).collect()
}

fn prometheus(data: &std::path::Path, address: &str, target: &str) -> Child {
    let config = data.with_extension("yml");
    let text = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs: [{{job_name: tags, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(&config, text).unwrap();
    let promtool = std::env::var_os("TAG_EXPORTER_PROMTOOL").map_or_else(|| "promtool".into(), PathBuf::from);
    Command::new(promtool.with_file_name("prometheus"))
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("prometheus starts; `scripts/promtool` gets it")
}
