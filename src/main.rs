//! Arguments, environment, signals, and the exit code.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use alicloud_tag_exporter::audit::{self, Conclusion};
use alicloud_tag_exporter::cli::{Cli, Command};
use alicloud_tag_exporter::config::{Config, Problems, load, load_without_accounts};
use alicloud_tag_exporter::{demo, log, serve, signals};
use clap::Parser as _;
use tokio_util::sync::CancellationToken;

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
        .collect::<BTreeMap<_, _>>();
    let stop = CancellationToken::new();
    let cloud = match &cli.command {
        Some(Command::Demo(options)) => Some(demo::start_cloud(options, stop.clone()).await?),
        _ => None,
    };
    let (flags, again) = (cli.flags.clone(), environment.clone());
    let read = move || match cloud {
        Some(cloud) => demo::config(cloud, flags.sources(again.clone())),
        None => load(&flags.sources_with_file(again.clone())?),
    };
    let config = match &cli.command {
        Some(Command::Audit(options)) if options.offline.is_some() => {
            load_without_accounts(&cli.flags.sources_with_file(environment)?)?
        }
        _ => read()?,
    };
    if cli.command == Some(Command::CheckConfig) {
        let mut out = std::io::stdout();
        writeln!(out, "the configuration is right: {}", serve::summary(&config))?;
        if let Some(doubt) = serve::doubt(&config) {
            writeln!(out, "warning: {doubt}")?;
        }
        return Ok(0);
    }
    log::start(&config.log);
    if let Some(cloud) = cloud {
        tracing::info!("the simulated cloud answers at http://{cloud}");
    }
    signals::stop_on_signals(stop.clone(), failed)?;
    match cli.command {
        Some(Command::Audit(options)) => conclude(config, options, stop).await,
        _ => serve::listen(config, read, stop).await.map(|()| 0),
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
