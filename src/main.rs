//! Arguments, environment, signals, and the exit code.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use alicloud_tag_exporter::cli::{Cli, Command};
use alicloud_tag_exporter::command::audit::{self, Conclusion};
use alicloud_tag_exporter::command::{check_config, products, serve};
use alicloud_tag_exporter::config::{Config, Problems, load, load_without_accounts};
use alicloud_tag_exporter::process::logging::{self, Flush};
use alicloud_tag_exporter::process::{memory, signals};
use anyhow::Context as _;
use clap::Parser as _;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

const FAILED: u8 = 1;
const WRONG_CONFIGURATION: u8 = 2;
const UNKNOWN: u8 = 3;

type Environment = BTreeMap<String, String>;

/// For what still runs when all is done, such as the look-up of a host that does not answer.
const MAX_LEFTOVER: Duration = Duration::from_secs(1);
/// Threads that are there already are kept: later the system may give no more.
const KEEP_THREADS: Duration = Duration::from_secs(3600);

fn main() -> ExitCode {
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(KEEP_THREADS).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(run_to_code());
    runtime.shutdown_timeout(MAX_LEFTOVER);
    code
}

async fn run_to_code() -> ExitCode {
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
    memory::never_dump();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = environment();
    let read = {
        let (flags, environment) = (cli.flags.clone(), environment.clone());
        move || load(&flags.sources_with_file(environment.clone())?)
    };
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let config = read()?;
            let (stop, _flush) = begin(&config, failed)?;
            serve::listen(config, read, stop).await.map(|()| 0)
        }
        Command::Audit(options) => {
            let config = match &options.offline {
                Some(_) => load_without_accounts(&cli.flags.sources_with_file(environment)?)?,
                None => read()?,
            };
            conclude(config, options, failed).await
        }
        Command::CheckConfig => {
            check_config::print(&read()?, &mut std::io::stdout())?;
            Ok(0)
        }
        Command::Products(options) => {
            let config = match (cli.flags.has_config_file(), options.format) {
                (false, _) => None,
                (true, products::Format::RamPolicy) => Some(read()?),
                (true, _) => Some(load_without_accounts(&cli.flags.sources_with_file(environment)?)?),
            };
            products::print(config.as_ref(), options.format, &mut std::io::stdout())?;
            Ok(0)
        }
        #[cfg(feature = "demo")]
        Command::Demo(options) => {
            use alicloud_tag_exporter::command::demo;
            let cloud = demo::start_cloud(&options, CancellationToken::new()).await?;
            let read = move || demo::config(cloud, cli.flags.sources(environment.clone()));
            let config = read()?;
            let (stop, _flush) = begin(&config, failed)?;
            tracing::info!("the simulated cloud is listening on http://{cloud}");
            serve::listen(config, read, stop).await.map(|()| 0)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "read once, here, and handed on")]
fn environment() -> Environment {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Starts the log; the token is cancelled by the first signal.
fn begin(config: &Config, failed: u8) -> anyhow::Result<(CancellationToken, Flush)> {
    let flush = logging::start(&config.log).context("cannot start the log")?;
    let stop = CancellationToken::new();
    signals::stop_on_signals(stop.clone(), failed).context("cannot listen for signals")?;
    Ok((stop, flush))
}

async fn conclude(config: Config, options: audit::Options, failed: u8) -> anyhow::Result<u8> {
    let (stop, _flush) = begin(&config, failed)?;
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
