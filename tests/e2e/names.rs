//! What rules, dashboard and documents call a metric is one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::exporter::Exporter;
use crate::lively;
use crate::process::{get, until};

/// What looks like a metric's name and is the program's.
const PROGRAM: &str = "alicloud_tag_exporter";
/// There only with temporary credentials, with regions that are found, and once STS has told the account.
const NOT_ALWAYS: [&str; 4] = [
    "alicloud_account_info",
    "alicloud_tag_exporter_credentials_expiration_timestamp_seconds",
    "alicloud_tag_exporter_region_discovery_last_success_timestamp_seconds",
    "alicloud_tag_exporter_region_discovery_success",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_is_named_exists() {
    let exporter = Exporter::start(lively::state(), lively::POLICY).await;
    lively::change(&exporter.cloud);
    let url = format!("http://{}/metrics", exporter.address);
    let metrics = until("a change", async || {
        let metrics = get(&url).await?;
        metrics.contains("\nalicloud_resource_tags_last_changed_timestamp_seconds{").then_some(metrics)
    })
    .await;
    let mut known: BTreeSet<_> = metrics.lines().filter_map(name_of_sample).collect();
    // A histogram has samples by other names than its own.
    known.extend(metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()));
    known.insert(PROGRAM);
    known.extend(NOT_ALWAYS);
    let mut named = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        for name in names(&text) {
            assert!(known.contains(name), "{} names {name}, which is no metric", file.display());
            named += 1;
        }
    }
    assert!(named > 100, "only {named} names were found");
}

fn name_of_sample(line: &str) -> Option<&str> {
    line.split(['{', ' ']).next().filter(|name| *name != "#")
}

/// Words that could be names of our metrics. Those with a colon are recorded by rules.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c));
    words
        .filter(|word| word.starts_with("alicloud_") && !word.trim_end_matches(':').contains(':'))
        .map(|word| word.trim_end_matches(':'))
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "",
        "docs",
        "deploy",
        "deploy/prometheus",
        "deploy/prometheus/rules",
        "deploy/prometheus/tests",
        "deploy/grafana",
    ];
    let all = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let all = all.map(|entry| entry.unwrap().path());
    all.filter(|path| {
        path.extension().is_some_and(|ending| ["md", "yml", "json", "toml"].iter().any(|e| ending == *e))
    })
    .collect()
}
