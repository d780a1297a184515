//! Arguments, environment, signals, and the exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use alicloud_tag_exporter::cli::{Cli, Command};
use alicloud_tag_exporter::config::{Config, Log, Problems, load};
use alicloud_tag_exporter::{demo, serve};
use anyhow::Context as _;
use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

const WRONG_CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            let wrong = error.is::<Problems>();
            ExitCode::from(if wrong { WRONG_CONFIGURATION } else { 1 })
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let stop = CancellationToken::new();
    let config = match cli.command {
        Some(Command::Demo) => {
            let sources = cli.flags.sources(environment);
            demo::config(demo::start_cloud(stop.clone()).await?, sources)?
        }
        _ => load(&cli.flags.sources_with_file(environment)?)?,
    };
    if cli.command == Some(Command::CheckConfig) {
        println!("the configuration is right: {}", serve::summary(&config));
        return Ok(());
    }
    start_log(&config.log);
    stop_on_signals(stop.clone())?;
    listen(config, stop).await
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
fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    });
    Ok(())
}
