//! The same listing by a loop with the official SDK of the cloud for Python.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::Bench;
use crate::cloud::SimulatedCloud;
use crate::table::Table;

/// Lists one region, and compares the rates: the whole would take minutes.
pub async fn measure(
    bench: &Bench,
    cloud: &SimulatedCloud,
    ours: f64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/sdk_loop.py");
    let mut command = Command::new("timeout");
    command.arg("120").arg(&bench.python).arg(script);
    command.arg(cloud.address.to_string()).arg(cloud.regions.first().context("there is no region")?);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the loop failed: {}", String::from_utf8_lossy(&output.stderr));
    let theirs: f64 = text.trim().parse().context("the loop told no rate")?;
    table.tell("collection by the Python SDK", theirs, "resources/s");
    table.at_least("our rate of collection by the SDK's", ours / theirs, "", 10.0);
    Ok(())
}
