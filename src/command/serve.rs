//! The daemon: configuration → parts → tasks. It stops all tasks when one ends.

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access;
use crate::clock::now;
use crate::collection::collectors;
use crate::collection::reload::{Plan, Reloader};
use crate::command::check_config;
use crate::config::{Config, Listen, Problems, State};
use crate::form::KeyProblem;
use crate::http::{self, Pages, Site};
use crate::instruments::Instruments;
use crate::process::memory;
use crate::process::signals;
use crate::publication::history::History;
use crate::publication::publisher::Publisher;

/// Events that wait for the publisher.
const EVENTS: usize = 16;

/// Binds the configured address, and runs there.
pub async fn listen<R>(config: Config, read: R, stop: CancellationToken) -> anyhow::Result<()>
where
    R: Fn() -> Result<Config, Problems> + Send + Sync + 'static,
{
    raise_file_limit();
    let address = config.listen.address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
    let address = listener.local_addr()?;
    let web = config.listen.web.as_ref().map(|(_, web)| web);
    if !address.ip().is_loopback() && !web.is_some_and(|web| web.is_closed()) {
        tracing::warn!("anyone who can reach {address} can read every tag: it asks for no password");
    }
    let scheme = if web.is_some_and(|web| web.tls.is_some()) { "https" } else { "http" };
    tracing::info!("open {scheme}://127.0.0.1:{0}/, /metrics and /tags", address.port());
    run(config, read, listener, stop).await
}

/// Each connection is a file: the soft limit on them goes up to the hard one.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "could not raise the limit on open files");
    }
}

/// Runs until `stop`, which is a success; a task that ends before is an error. SIGHUP, and a request where that is
/// allowed, read the configuration again by `read`.
pub async fn run<R>(
    config: Config,
    read: R,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()>
where
    R: Fn() -> Result<Config, Problems> + Send + Sync + 'static,
{
    if let Some(doubt) = check_config::doubt(&config) {
        tracing::warn!("{doubt}");
    }
    let instruments = Instruments::new()?;
    instruments.shard(config.shard.ordinal, config.shard.total)?;
    let history = history(config.state.as_ref(), &instruments)?;
    let (fixed, listen) = (config.fixed(), config.listen.clone());
    let mut plan = Plan::of(config, &instruments)?;
    let known: Vec<_> = plan.collectors.iter().map(|collector| collector.target.clone()).collect();
    let targets = collectors::join(&mut plan.collectors, history.recall(&known, &plan.awaited));
    let mut publisher = Publisher::new(plan.settings.clone(), history.clone(), targets, plan.awaited.clone());
    let (sender, published) = watch::channel(publisher.publish(now()));
    let (events, received) = mpsc::channel(EVENTS);
    let (reloads, asked) = mpsc::channel(1);
    signals::reload_on_hangup(reloads.clone(), stop.clone()).context("could not wait for SIGHUP")?;
    let reloader = Reloader {
        read,
        fixed,
        history: history.clone(),
        events,
        instruments: instruments.clone(),
        stop: stop.clone(),
    };
    let Listen { web, max_connections, health_without_auth, enable_lifecycle, .. } = listen;
    let (web_path, web) = web.unzip();
    let web = watch::Sender::new(web.unwrap_or_default());
    let giving_back = memory::give_back(published.clone(), stop.clone());
    let site = Site {
        published,
        history,
        instruments: instruments.clone(),
        stop: stop.clone(),
        process_id: process_id(),
        pages: Pages::default(),
        web: web.subscribe(),
        health_without_auth,
        reloads: enable_lifecycle.then_some(reloads),
    };

    let mut tasks = JoinSet::new();
    tasks.spawn(reloader.run(plan, asked));
    tasks.spawn(publisher.run(received, sender, stop.clone()));
    tasks.spawn(giving_back);
    tasks.spawn(http::serve(listener, site, max_connections, stop.clone()));
    if let Some(path) = web_path {
        let told = move |read| tell_web(&instruments, read);
        tasks.spawn(access::watch(path, web, told, stop.clone()));
    }
    finish(tasks, &stop).await
}

fn tell_web(instruments: &Instruments, read: Result<(), Vec<KeyProblem>>) {
    instruments.web_config_read(read.is_ok());
    match read {
        Ok(()) => tracing::info!("read the web configuration again"),
        Err(problems) => {
            for KeyProblem { path, text } in problems {
                tracing::error!("cannot reload the web configuration: {path}: {text}");
            }
        }
    }
}

fn history(state: Option<&State>, instruments: &Instruments) -> anyhow::Result<History> {
    match state {
        Some(State { path, retention }) => History::open(path, *retention, instruments.clone()),
        None => Ok(History::in_memory(instruments.clone())?),
    }
}

/// Waits for the end of all tasks. One that ends unasked stops the others.
async fn finish(mut tasks: JoinSet<()>, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut unasked = false;
    while let Some(ended) = tasks.join_next().await {
        unasked |= !stop.is_cancelled();
        stop.cancel();
        ended.context("a task failed")?;
    }
    if unasked {
        bail!("a task ended before it was asked to");
    }
    Ok(())
}

fn process_id() -> String {
    Uuid::new_v4().simple().to_string()
}
