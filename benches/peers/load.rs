//! `wrk`, which asks again and again.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::running::Running;

/// What one server gave under load.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub requests_per_second: f64,
    pub cpu_seconds_per_request: f64,
}

/// Loads one URL with gzip for `time`.
pub async fn rate(
    debs: &Path,
    server: &Running,
    url: &str,
    clients: usize,
    time: Duration,
) -> anyhow::Result<Rate> {
    let mut wrk = Command::new(debs.join("usr/bin/wrk"));
    wrk.env("LD_LIBRARY_PATH", debs.join("usr/lib/x86_64-linux-gnu"))
        .args(["--threads", "1", "--connections", &clients.to_string(), "--timeout", "20"])
        .args(["--duration", &format!("{}s", time.as_secs()), "--header", "Accept-Encoding: gzip", url]);
    let before = server.cpu_seconds()?;
    let output = tokio::task::spawn_blocking(move || wrk.output()).await??;
    let cpu = server.cpu_seconds()? - before;
    let text = read(&output)?;
    let requests_per_second = number(&text, "Requests/sec:", |line| line.split_whitespace().nth(1))?;
    let requests = number(&text, "requests in", |line| line.split_whitespace().next())?;
    Ok(Rate { requests_per_second, cpu_seconds_per_request: cpu / requests })
}

fn read(output: &Output) -> anyhow::Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let clean = output.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors");
    ensure!(clean, "wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(text)
}

fn number(text: &str, on: &str, of: fn(&str) -> Option<&str>) -> anyhow::Result<f64> {
    let line = text.lines().find(|line| line.contains(on)).with_context(|| format!("wrk told no {on:?}"))?;
    Ok(of(line).context("wrk told no number")?.parse()?)
}
