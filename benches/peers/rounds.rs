//! Rounds over all targets by the program itself: time, CPU and memory.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cloud::SimulatedCloud;
use crate::exporter::Exporter;
use crate::table::Table;
use crate::{Bench, CLUSTERS, REGIONS, TAGS};

/// Longer than a round takes, so that there is a pause between two.
const INTERVAL: &str = "1m";
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const SCRAPES: usize = 2;
/// Until what was free then has been given back to the system.
const SETTLING: Duration = Duration::from_secs(10);

/// Gives the rate of the first round, in resources per second.
pub async fn measure(bench: &Bench, cloud: &SimulatedCloud, table: &mut Table) -> anyhow::Result<f64> {
    let asked_before = cloud.requests();
    let exporter = Exporter::start(bench, cloud, INTERVAL).await?;
    let begun = async {
        while cloud.requests() == asked_before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONGEST_WAIT, begun).await?;
    let clock = Instant::now();
    exporter.until_collected(1, cloud).await?;
    let rate = (REGIONS * CLUSTERS) as f64 / clock.elapsed().as_secs_f64();
    let first = exporter.process.cpu_seconds()?;
    table.tell("collection of 100,000 resources", rate, "resources/s");
    table.tell("CPU of the first round, with the listing", first, "s");
    table.tell("peak resident memory of the first round", exporter.process.peak_megabytes()?, "MB");

    cloud.change_a_tag();
    exporter.until_collected(2, cloud).await?;
    let second = exporter.process.cpu_seconds()? - first;
    table.tell("CPU of a round in which one tag changed, with the listing", second, "s");
    exporter.until_collected(3, cloud).await?;
    for _ in 0..SCRAPES {
        exporter.http.get(format!("{}/metrics", exporter.url)).send().await?.bytes().await?;
    }
    tokio::time::sleep(SETTLING).await;
    let memory = exporter.process.megabytes()?;
    table.at_most("resident memory after three rounds and scrapes", memory, "MB", 120.0);
    let tags = (REGIONS * CLUSTERS * TAGS) as f64;
    table.tell("resident memory by tag", memory * 1e6 / tags, "bytes");
    Ok(rate)
}
