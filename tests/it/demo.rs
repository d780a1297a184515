//! The cloud of the `demo` command, listed by a configuration of one's own.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::BETWEEN_LOOKS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_alicloud-tag-exporter");
/// How long the first collections may take.
const LIMIT: Duration = Duration::from_secs(60);
const LISTENS_AT: &str = "serve: listening on ";
const ANSWERS_AT: &str = "the simulated cloud is listening on ";

/// Ends with the test, whatever comes of it.
struct Demo(Child);

impl Demo {
    fn start() -> Self {
        let demo = Command::new(PROGRAM)
            .args(["demo", "--web.listen-address=127.0.0.1:0", "--cloud.listen-address=127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn();
        Self(demo.unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_demo_shows_ten_products_of_one_account_and_the_failure_of_another() {
    let mut demo = Demo::start();
    // Kept to the end: the demo goes on writing.
    let mut said = BufReader::new(demo.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = said.find(|line| line.contains(LISTENS_AT)).unwrap();
    let path = format!("{}/tags?limit=1", line.split(LISTENS_AT).nth(1).unwrap());
    let targets = tokio::time::timeout(LIMIT, all_targets(&path)).await.expect("a target stays pending");
    let (fresh, others): (Vec<_>, Vec<_>) = targets.iter().partition(|target| target["status"] == "fresh");
    let products: BTreeSet<_> = fresh.iter().map(|target| target["product"].as_str().unwrap()).collect();
    assert_eq!(products.len(), 10, "{products:?}");
    assert!(fresh.iter().all(|target| target["resources"].as_u64() > Some(3)), "{fresh:?}");
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!((&others[0]["account"], &others[0]["status"]), (&"acquired".into(), &"failed".into()));
}

/// The targets, once none is pending.
async fn all_targets(path: &str) -> Vec<Value> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut looks = tokio::time::interval(BETWEEN_LOOKS);
    loop {
        looks.tick().await;
        let text = http.get(path).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let targets = answer["targets"].as_array().unwrap();
        if targets.iter().all(|target| target["status"] != "pending") {
            return targets.clone();
        }
    }
}

#[test]
fn the_cloud_of_the_demo_can_be_listed_by_a_configuration_of_ones_own() {
    let mut demo = Demo::start();
    // Kept to the end: the demo goes on writing.
    let mut said = BufReader::new(demo.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = said.find(|line| line.contains(ANSWERS_AT)).unwrap();
    let endpoint = line.split(ANSWERS_AT).nth(1).unwrap();

    let audit = audit(endpoint);
    drop(demo);
    let report = String::from_utf8(audit.stdout).unwrap();
    assert_eq!(audit.status.code(), Some(1), "{report}");
    assert!(report.contains("cn-hangzhou"), "{report}");
}

fn audit(endpoint: &str) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let text = format!(
        r#"
        [api]
        endpoint = "{endpoint}"
        [[accounts]]
        name = "own"
        regions = ["cn-hangzhou"]
        credentials = {{ source = "static", access_key_id = "demo-access-key", access_key_secret = "demo-secret" }}
        [[policy.required_tags]]
        key = "owner"
        "#
    );
    std::fs::write(&config, text).unwrap();
    Command::new(PROGRAM).args(["audit", "--config.file"]).arg(config).output().unwrap()
}
