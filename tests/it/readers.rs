//! Programs that were not written for this exporter read its answers, each to the last series.

use std::collections::BTreeSet;
use std::process::Stdio;

use simulator::{State, synthetic};
use tokio::process::Command;

use crate::hostile;
use crate::sdk::python;
use crate::support::Daemon;
use crate::text_format::{Labels, Samples, samples};

/// One collection: from one answer to the next only what the process tells of itself changes.
const SETTINGS: &[(&str, &str)] = &[("collect.interval", "1h")];
const POLICY: &str = "[[policy.required_tags]]\nkey = \"owner\"";

async fn daemon(state: State) -> Daemon {
    let daemon = Daemon::start_with(SETTINGS, state, POLICY).await;
    daemon.until_fresh().await;
    // From now on the answers have the same series.
    daemon.metrics().await;
    daemon
}

fn series(samples: &Samples) -> BTreeSet<(&String, &Labels)> {
    samples.iter().flat_map(|(name, all)| all.keys().map(move |labels| (name, labels))).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus_client for Python; `make test` runs it"]
async fn a_strict_reader_of_openmetrics_sees_the_samples_of_the_text_format_with_gzip_and_without() {
    for state in [synthetic(2, 100, 8), hostile::state()] {
        let daemon = daemon(state).await;
        for coding in ["gzip", "identity"] {
            let before = samples(&daemon.metrics().await);
            let read = open_metrics(&daemon, coding).await;
            let after = samples(&daemon.metrics().await);
            assert_eq!(series(&read), series(&before), "{coding}");
            // Open files and memory come and go.
            for (name, labels) in
                series(&before).into_iter().filter(|(name, _)| !name.starts_with("process_"))
            {
                let [before, read, after] = [&before, &read, &after].map(|page| page[name][labels]);
                assert!(read == before || before != after, "{name}{labels:?}: {before}, {read}, {after}");
            }
        }
    }
}

/// The daemon's metrics as Prometheus' client library for Python understands them.
async fn open_metrics(daemon: &Daemon, coding: &'static str) -> Samples {
    let url = format!("http://{}/metrics", daemon.address);
    let read = move || python("scrape.py", &[&url, coding], "");
    let output = tokio::task::spawn_blocking(read).await.unwrap();
    let mut samples = Samples::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (name, labels, value): (String, Labels, String) = serde_json::from_str(line).unwrap();
        assert!(
            samples.entry(name).or_default().insert(labels, value.parse().unwrap()).is_none(),
            "twice: {line}"
        );
    }
    samples
}

/// What a program prints.
async fn printed(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).env("NO_PROXY", "127.0.0.1");
    let output = command.output().await.unwrap_or_else(|error| panic!("could not run {program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl; `make test` runs it"]
async fn curl_reads_every_series_of_the_compressed_metrics() {
    let daemon = daemon(synthetic(2, 300, 5)).await;
    let url = format!("http://{}/metrics", daemon.address);
    let read = printed("curl", &["--silent", "--show-error", "--fail", "--compressed", &url]).await;
    assert_eq!(series(&samples(&read)), series(&samples(&daemon.metrics().await)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium; `make test` runs it"]
async fn chromium_shows_every_series_of_the_metrics_and_a_page_whose_links_lead_somewhere() {
    let daemon = daemon(synthetic(2, 300, 5)).await;
    let shown = text_of(&shown_by_chromium(&daemon, "/metrics").await);
    assert_eq!(series(&samples(&shown)), series(&samples(&daemon.metrics().await)));
    let page = shown_by_chromium(&daemon, "/").await;
    let links: Vec<_> =
        page.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.contains(&"/metrics") && links.contains(&"/tags"), "{page}");
    for link in links {
        assert_eq!(daemon.get(link).await.0, 200, "{link}");
    }
}

/// A page's document as a browser has it when the page is loaded.
async fn shown_by_chromium(daemon: &Daemon, path: &str) -> String {
    let chromium = std::env::var("TAG_EXPORTER_CHROMIUM").expect("run by `make test`");
    let folder = tempfile::tempdir().unwrap();
    let profile = format!("--user-data-dir={}", folder.path().display());
    let url = format!("http://{}{path}", daemon.address);
    let alone = ["--no-first-run", "--disable-background-networking", "--disable-component-update"];
    let arguments =
        [&["--no-sandbox", "--disable-gpu", "--dump-dom", &profile][..], &alone, &[&url]].concat();
    printed(&chromium, &arguments).await
}

/// The text in a document that shows nothing else.
fn text_of(document: &str) -> String {
    let text = document.split_once("<pre").unwrap().1.split_once('>').unwrap().1;
    let text = text.split_once("</pre>").unwrap().0;
    let marks = [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", "\u{a0}"), ("&amp;", "&")];
    marks.into_iter().fold(text.to_owned(), |text, (mark, character)| text.replace(mark, character))
}
