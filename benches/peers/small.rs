//! Three small targets: the start, memory and CPU while nothing happens.

use std::time::{Duration, Instant};

use crate::Bench;
use crate::cloud::SimulatedCloud;
use crate::exporter::Exporter;
use crate::running::median;
use crate::table::Table;

const STARTS: usize = 11;
/// Told as what it would be in ten minutes.
const IDLE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

pub async fn measure(bench: &Bench, table: &mut Table) -> anyhow::Result<()> {
    let cloud = SimulatedCloud::start(3, 10, 5).await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let clock = Instant::now();
        let exporter = Exporter::start(bench, &cloud, "10s").await?;
        exporter.get("/metrics").await?;
        starts.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    table.at_most(format!("start to first answer, median of {STARTS}"), median(starts), "ms", 50.0);

    let exporter = Exporter::start(bench, &cloud, "5m").await?;
    exporter.until_collected(1, &cloud).await?;
    let before = exporter.process.cpu_seconds()?;
    tokio::time::sleep(IDLE).await;
    let spent = exporter.process.cpu_seconds()? - before;
    let spent = spent * TEN_MINUTES.as_secs_f64() / IDLE.as_secs_f64();
    table.at_most("idle CPU in ten minutes, from one minute between rounds", spent, "s", 0.1);
    table.at_most("resident memory with three small targets", exporter.process.megabytes()?, "MB", 15.0);
    Ok(())
}
