//! Arguments, environment, signals, and the exit code.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use alicloud_tag_exporter::audit::{self, Conclusion};
use alicloud_tag_exporter::cli::{Cli, Command};
use alicloud_tag_exporter::config::{Config, Log, Problems, load, load_without_accounts};
use alicloud_tag_exporter::{demo, serve};
use anyhow::Context as _;
use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

const FAILED: u8 = 1;
const WRONG_CONFIGURATION: u8 = 2;
const UNKNOWN: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let failed = match &cli.command {
        Some(Command::Audit(_)) => UNKNOWN,
        _ => FAILED,
    };
    let code = run(cli, failed).await.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "{error:#}");
        if error.is::<Problems>() { WRONG_CONFIGURATION } else { failed }
    });
    ExitCode::from(code)
}

/// `failed` is the exit code after a second signal.
async fn run(cli: Cli, failed: u8) -> anyhow::Result<u8> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let stop = CancellationToken::new();
    let flags = cli.flags;
    let config = match &cli.command {
        Some(Command::Demo) => {
            let sources = flags.sources(environment);
            demo::config(demo::start_cloud(stop.clone()).await?, sources)?
        }
        Some(Command::Audit(options)) if options.offline.is_some() => {
            load_without_accounts(&flags.sources_with_file(environment)?)?
        }
        _ => load(&flags.sources_with_file(environment)?)?,
    };
    if cli.command == Some(Command::CheckConfig) {
        println!("the configuration is right: {}", serve::summary(&config));
        return Ok(0);
    }
    start_log(&config.log);
    stop_on_signals(stop.clone(), failed)?;
    match cli.command {
        Some(Command::Audit(options)) => conclude(config, options, stop).await,
        _ => listen(config, stop).await.map(|()| 0),
    }
}

async fn conclude(config: Config, options: audit::Options, stop: CancellationToken) -> anyhow::Result<u8> {
    let Some(conclusion) = stop.run_until_cancelled(audit::run(config, options)).await else {
        let _ = writeln!(std::io::stderr(), "stopped before the report was written");
        // At once: a read or a write that it was stopped in would be waited for.
        std::process::exit(UNKNOWN.into());
    };
    Ok(match conclusion? {
        Conclusion::Compliant => 0,
        Conclusion::Violating => 1,
        Conclusion::Unknown => UNKNOWN,
    })
}

async fn listen(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let address = config.listen_address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!("anyone who can reach {address} can read every tag: it asks for no password");
    }
    tracing::info!("open http://127.0.0.1:{0}/, /metrics and /tags", address.port());
    serve::run(config, listener, stop).await
}

fn start_log(log: &Log) {
    let filter = EnvFilter::new(format!("warn,alicloud_tag_exporter={}", log.level));
    let log_to_stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.json {
        true => log_to_stderr.json().init(),
        false => log_to_stderr.init(),
    }
}

/// The first signal asks for a graceful end, the second one ends at once.
fn stop_on_signals(stop: CancellationToken, failed: u8) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(failed.into());
    });
    Ok(())
}
