//! A scrape beside those of nginx and of other exporters.

use std::time::{Duration, Instant};

use alicloud_tag_exporter::publication::exposition::SUBJECT;
use anyhow::ensure;
use hyper::header::ACCEPT_ENCODING;

use crate::Bench;
use crate::exporter::Exporter;
use crate::load::{self, Rate};
use crate::peers::{self, Peer};
use crate::running::median;
use crate::table::Table;

const TURNS: usize = 3;
const TURN: Duration = Duration::from_secs(3);
const SCRAPES: usize = 5;
/// Of the slowest peer.
const LONGEST_SCRAPE: Duration = Duration::from_secs(180);

/// The same bytes as a file of nginx.
pub async fn beside_nginx(bench: &Bench, exporter: &Exporter, table: &mut Table) -> anyhow::Result<()> {
    let url = format!("{}/metrics", exporter.url);
    let gzipped = scrape(&exporter.http, &url).await?.1;
    table.tell("bytes of a scrape, compressed", gzipped.len() as f64 / 1e6, "MB");
    let off = peers::nginx(bench, &gzipped, "off").await?;
    let on = peers::nginx(bench, &gzipped, "on").await?;
    for Peer { url, .. } in [&off, &on] {
        ensure!(scrape(&exporter.http, url).await?.1 == gzipped, "nginx serves other bytes");
    }
    for clients in [1, 8] {
        let (mut ours, mut theirs, mut with_sendfile) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let rate = async |server, url| load::rate(&bench.debs, server, url, clients, TURN).await;
            ours.push(rate(&exporter.process, &url).await?);
            theirs.push(rate(&off.process, &off.url).await?);
            with_sendfile.push(rate(&on.process, &on.url).await?);
        }
        let name = format!("by nginx's, {clients} clients at once");
        let speed = |of: &[Rate]| median(of.iter().map(|rate| rate.requests_per_second));
        let cost = |of: &[Rate]| median(of.iter().map(|rate| rate.cpu_seconds_per_request));
        table.tell(format!("requests per second, {clients} clients at once"), speed(&ours), "");
        table.tell(format!("CPU of a scrape, {clients} clients at once"), cost(&ours) * 1e3, "ms");
        table.at_least(format!("requests per second {name}"), speed(&ours) / speed(&theirs), "", 0.9);
        let figure = speed(&ours) / speed(&with_sendfile);
        table.tell(format!("requests per second {name}, sendfile on"), figure, "");
        table.at_most(format!("CPU of a scrape {name}"), cost(&ours) / cost(&theirs), "", 2.0);
        let figure = cost(&ours) / cost(&with_sendfile);
        table.tell(format!("CPU of a scrape {name}, sendfile on"), figure, "");
    }
    Ok(())
}

/// The same data in other exporters: one scrape each, they take long.
pub async fn beside_exporters(bench: &Bench, exporter: &Exporter, table: &mut Table) -> anyhow::Result<()> {
    let families: Vec<_> = SUBJECT.iter().map(|family| format!("collect[]={}", family.name)).collect();
    let path = format!("/metrics?{}", families.join("&"));
    let text = exporter.get(&path).await?;
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    table.tell("series of these families", series as f64, "");
    let url = format!("{}{path}", exporter.url);
    let mut times = Vec::new();
    for _ in 0..SCRAPES {
        times.push(scrape(&exporter.http, &url).await?.0.as_secs_f64());
    }
    let ours = median(times);
    let memory = exporter.process.megabytes()?;

    let node_exporter = peers::node_exporter(bench, &text).await?;
    let textfile =
        of_peer("node_exporter's textfile collector", &node_exporter, exporter, ours, table).await?;
    drop(node_exporter);
    let python = peers::prometheus_client(bench, &text).await?;
    let client = of_peer("Python's prometheus_client", &python, exporter, ours, table).await?;
    let (time, resident) = (textfile.0.min(client.0), textfile.1.min(client.1));
    table.at_least("the faster one's time of a scrape by ours", time / ours, "", 50.0);
    table.at_most("our resident memory by the smaller one's", memory / resident, "", 0.25);
    Ok(())
}

/// Seconds of a scrape, and resident megabytes.
async fn of_peer(
    name: &str,
    peer: &Peer,
    exporter: &Exporter,
    ours: f64,
    table: &mut Table,
) -> anyhow::Result<(f64, f64)> {
    let time = scrape(&exporter.http, &peer.url).await?.0.as_secs_f64();
    let memory = peer.process.megabytes()?;
    table.tell(format!("time of a scrape of {name}, by ours"), time / ours, "");
    table.tell(format!("resident memory of {name}"), memory, "MB");
    Ok((time, memory))
}

/// One scrape with gzip: how long it took, and its bytes.
pub async fn scrape(http: &reqwest::Client, url: &str) -> anyhow::Result<(Duration, Vec<u8>)> {
    let clock = Instant::now();
    let request = http.get(url).header(ACCEPT_ENCODING, "gzip").timeout(LONGEST_SCRAPE);
    let answer = request.send().await?.error_for_status()?;
    let bytes = answer.bytes().await?;
    ensure!(bytes.starts_with(&[0x1f, 0x8b]), "{url} is not compressed");
    Ok((clock.elapsed(), bytes.into()))
}
