//! What Prometheus' own linter says of the answers.

use std::io::Write as _;
use std::process::{Command, Stdio};

use simulator::synthetic;

use crate::golden;
use crate::support::Daemon;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs promtool; `make test` runs it"]
async fn promtool_finds_nothing_in_the_metrics() {
    let rules = "[[policy.required_tags]]\nkey = \"owner\"";
    let daemon = Daemon::start(synthetic(2, 50, 5), rules).await;
    daemon.until_fresh().await;
    let metrics = daemon.metrics().await;
    assert!(metrics.contains("\nalicloud_resource_required_tag_violation_info{"));
    assert_nothing_found(&metrics);
}

#[test]
#[ignore = "needs promtool; `make test` runs it"]
fn promtool_finds_nothing_in_the_golden_files() {
    let files: Vec<_> =
        std::fs::read_dir(golden::folder()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert_nothing_found(&std::fs::read_to_string(file).unwrap());
    }
}

fn assert_nothing_found(metrics: &str) {
    let promtool = std::env::var("TAG_EXPORTER_PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = check.spawn().unwrap();
    running.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
