//! A change log of a million rows: `cargo bench --bench change_log`.
//!
//! Fails when the start takes a second, or a page of `/tags/changes` 20 ms.
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has an environment and tasks of its own")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alicloud_tag_exporter::command::serve;
use alicloud_tag_exporter::config::{Sources, load};
use alicloud_tag_exporter::instruments::Instruments;
use alicloud_tag_exporter::inventory::diff::{Change, ChangeKind, Tally};
use alicloud_tag_exporter::inventory::{Known, Target};
use alicloud_tag_exporter::publication::history::{History, Notes, Step, Stored};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const REGIONS: [&str; 4] = ["cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen"];
const STEPS: usize = 1_000;
const CHANGES_A_STEP: usize = 1_000;
const RESOURCES: usize = 5_000;
const TRIES: usize = 21;
const LONGEST_START: Duration = Duration::from_secs(1);
const LONGEST_PAGE: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let clock = Instant::now();
    fill(&path).await;
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("{} changes written in {:?}, {size} MiB", STEPS * CHANGES_A_STEP, clock.elapsed());

    let clock = Instant::now();
    let address = start(&path).await;
    get(&format!("{address}/tags?limit=1")).await;
    let mut good = told("start to first answer", clock.elapsed(), LONGEST_START);

    for query in
        ["", "?resource_id=hb-1", "?key=key-1", "?region_id=cn-beijing", "?since=2026-01-03T00:00:00Z"]
    {
        let url = format!("{address}/tags/changes{query}");
        let mut times = Vec::new();
        for _ in 0..TRIES {
            let clock = Instant::now();
            assert!(get(&url).await.len() > 1_000);
            times.push(clock.elapsed());
        }
        times.sort();
        let what = format!("median of {TRIES}: /tags/changes{query}");
        good &= told(&what, times[TRIES / 2], LONGEST_PAGE);
    }
    std::process::exit(i32::from(!good));
}

/// Writes the changes as the daemon does, a step each five minutes.
async fn fill(path: &Path) {
    let retention = Duration::from_secs(100 * 365 * 86_400);
    let history = History::open(path, retention, Instruments::new().unwrap()).unwrap();
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut before: Option<Known> = None;
    for number in 0..STEPS {
        let target = Target::new("prod", REGIONS[number % REGIONS.len()], "hbase");
        let started = begin + Duration::from_secs(300 * number as u64);
        let ended = started + Duration::from_secs(20);
        let known = Known { resources: Arc::new([]), started, ended, count_mismatch: false };
        let changes =
            (0..CHANGES_A_STEP).map(|n| change(&target, number * CHANGES_A_STEP + n, &known)).collect();
        let stored = Some(Stored { before, known: known.clone(), changes });
        history.commit(Step { target, stored, tally: Tally::default(), notes: Notes::default() }).await;
        before = Some(known);
    }
}

fn change(target: &Target, number: usize, known: &Known) -> Change {
    Change {
        target: target.clone(),
        previous_at: known.started,
        at: known.ended,
        resource_id: format!("hb-{}", number % RESOURCES).into(),
        kind: ChangeKind::TagModified,
        key: Some(format!("key-{}", number % 7).into()),
        old: Some(format!("value-{number}").into()),
        new: Some(format!("value-{}", number + 1).into()),
    }
}

/// A daemon on the file, with a cloud that nobody answers for.
async fn start(path: &Path) -> String {
    let text = format!(
        r#"
        collect = {{ interval = "1h" }}
        api = {{ endpoint = "http://127.0.0.1:1" }}
        state = {{ path = {path:?}, history_retention = "36500d" }}
        [[accounts]]
        name = "prod"
        regions = {REGIONS:?}
        credentials = {{ source = "static", access_key_id = "id", access_key_secret = "secret" }}"#
    );
    let sources = Sources { file: Some(("bench".to_owned(), text)), ..Sources::default() };
    let config = load(&sources).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve::run(config, move || load(&sources), listener, CancellationToken::new()));
    format!("http://{address}")
}

async fn get(url: &str) -> String {
    reqwest::get(url).await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

fn told(what: &str, took: Duration, limit: Duration) -> bool {
    println!("{what}: {took:?} (at most {limit:?})");
    took < limit
}
