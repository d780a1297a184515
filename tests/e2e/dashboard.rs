//! The dashboard: Prometheus answers every query of every panel.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::exporter::Exporter;
use crate::lively;
use crate::monitoring::{Monitoring, programs};
use crate::webhook::Webhook;

/// A title, and the queries below it.
type Panel = (String, Vec<String>);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn every_panel_is_answered_by_prometheus_2() {
    answer_all(&programs(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn every_panel_is_answered_by_prometheus_3() {
    let answers = answer_all(&programs(3)).await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root().join("docs/dashboard.md"), answers).unwrap();
    }
}

/// Waits for an answer to each query, and gives all of them as a page for people.
async fn answer_all(programs: &Path) -> String {
    let exporter = Exporter::start(lively::state(), lively::POLICY).await;
    let webhook = Webhook::start().await;
    let monitoring = Monitoring::start(programs, &exporter.address, &webhook.address).await;
    monitoring.until("resource:alicloud_owner:last_seen_timestamp_seconds").await;
    lively::change(&exporter.cloud);
    monitoring.until(r#"resource:alicloud_tag_violation:owned{tag_owner!=""}"#).await;
    let mut page = HEAD.to_owned();
    for (title, queries) in panels() {
        writeln!(page, "\n## {title}").unwrap();
        for query in queries {
            let runnable = fill_in(&query);
            monitoring.until(&runnable).await;
            let answer = monitoring.query(&runnable).await;
            writeln!(page, "\n```\n{query}\n```\n").unwrap();
            answer.iter().take(SHOWN).for_each(|series| writeln!(page, "- {}", line(series)).unwrap());
            if answer.len() > SHOWN {
                writeln!(page, "- … {} more", answer.len() - SHOWN).unwrap();
            }
        }
    }
    page
}

/// Series of an answer that the page shows.
const SHOWN: usize = 3;
const HEAD: &str = "# Dashboard queries\n
Every query of `deploy/grafana/alicloud-tag-exporter.json`, with the result from Prometheus 3 for the simulated cloud.
`UPDATE_DOCS=1 make test` regenerates this page; the test fails if a query has no result.\n";

fn line(series: &Value) -> String {
    let labels = series["metric"].as_object().unwrap();
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("`{{{}}}` {}", labels.join(", "), series["value"][1].as_str().unwrap())
}

fn panels() -> Vec<Panel> {
    let text = std::fs::read_to_string(root().join("deploy/grafana/alicloud-tag-exporter.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels = panels.filter_map(|panel| {
        let queries = panel["targets"].as_array()?.iter();
        let queries = queries.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
        Some((panel["title"].as_str().unwrap().to_owned(), queries))
    });
    let panels: Vec<Panel> = panels.collect();
    assert!(panels.len() > 15);
    panels
}

/// A query with the variables as Grafana fills them in when nothing is chosen.
fn fill_in(query: &str) -> String {
    let mut query = query.replace("$__rate_interval", "10s");
    for variable in ["$account", "$region_id", "$product"] {
        query = query.replace(variable, ".*");
    }
    assert!(!query.contains('$'), "{query}");
    query
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
