//! The daemon: configuration → parts → tasks. If one task exits, all are stopped.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access;
use crate::clock::{Heartbeat, now};
use crate::collection::collectors::{Collectors, Links};
use crate::collection::targets::{Search, arrangement, searches};
use crate::command::check_config;
use crate::config::{Config, Listen, Problems, State};
use crate::form::KeyProblem;
use crate::http::{self, Hosts, PageCache, Site};
use crate::instruments::Instruments;
use crate::process::memory;
use crate::process::signals;
use crate::publication::history::History;
use crate::publication::publisher::{Published, Publisher};

/// Capacity of the queue in front of the publisher.
const EVENTS: usize = 16;

/// Listens on the configured address and runs.
pub async fn listen<R>(config: Config, read: R, stop: CancellationToken) -> anyhow::Result<()>
where
    R: Fn() -> Result<Config, Problems> + Send + Sync + 'static,
{
    raise_file_limit();
    let address = config.listen.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let web = config.listen.web.as_ref().map(|(_, web)| web);
    if !address.ip().is_loopback() && !web.is_some_and(|web| web.is_closed()) {
        tracing::warn!(
            "serving without authentication on {address}: anyone who can reach it can read every tag"
        );
    }
    let scheme = if web.is_some_and(|web| web.tls.is_some()) { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{address}");
    run(config, read, listener, stop).await
}

/// Raises the soft limit on open files to the hard limit: each connection is a file.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
}

/// Runs until `stop`, which is a success; a task that exits earlier is an error. SIGHUP, and `POST /-/reload` if it is
/// enabled, reload the configuration with `read`.
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
    let change_log = history.change_log();
    let (publisher, published) = publisher(&config, history);
    let (events, received) = mpsc::channel(EVENTS);
    let (reloads, asked) = mpsc::channel(1);
    signals::reload_on_hangup(reloads.clone(), stop.clone()).context("cannot listen for SIGHUP")?;
    let Listen { web, max_connections, health_without_auth, enable_lifecycle, allowed_hosts, .. } =
        config.listen.clone();
    let (web_path, web) = web.unzip();
    let web = watch::Sender::new(web.unwrap_or_default());
    let reader = published.subscribe();
    let links = Links {
        published: reader.clone(),
        events,
        instruments: instruments.clone(),
        stop: stop.clone(),
        heartbeat: Heartbeat::default(),
    };
    let site = Site {
        published: reader.clone(),
        change_log,
        instruments: instruments.clone(),
        stop: stop.clone(),
        heartbeats: vec![
            ("publisher", publisher.heartbeat.clone()),
            ("collectors' loop", links.heartbeat.clone()),
        ],
        process_id: process_id(),
        pages: PageCache::default(),
        page_writers: Arc::new(Semaphore::new(http::MAX_WRITERS)),
        web: web.subscribe(),
        health_without_auth,
        hosts: Hosts(allowed_hosts),
        reloads: enable_lifecycle.then_some(reloads),
    };

    let mut tasks = JoinSet::new();
    tasks.spawn(Collectors::new(config, links)?.run(read, asked));
    tasks.spawn(publisher.run(received, published, stop.clone()));
    tasks.spawn(memory::give_back(reader, stop.clone()));
    tasks.spawn(http::serve(listener, site, max_connections, stop.clone()));
    if let Some(path) = web_path {
        let told = move |read| web_read(&instruments, read);
        tasks.spawn(access::watch(path, web, told, stop.clone()));
    }
    finish(tasks, &stop).await
}

/// The publisher and its channel, which starts with the stored state.
fn publisher(config: &Config, history: History) -> (Publisher, watch::Sender<Arc<Published>>) {
    let scopes: Vec<_> = searches(config).iter().flat_map(Search::scopes).collect();
    let remembered = history.remembered_regions(&scopes);
    let mut publisher = Publisher::new(history, arrangement(0, config, remembered));
    let published = watch::Sender::new(publisher.publish(now()));
    (publisher, published)
}

fn web_read(instruments: &Instruments, read: Result<(), Vec<KeyProblem>>) {
    instruments.web_config_read(read.is_ok());
    match read {
        Ok(()) => tracing::info!("web configuration reloaded"),
        Err(problems) => {
            for KeyProblem { path, text } in problems {
                tracing::error!(
                    "cannot reload the web configuration, keeping the current one: {path}: {text}"
                );
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

/// Waits for all tasks. One that exits unexpectedly stops the others.
async fn finish(mut tasks: JoinSet<()>, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut unasked = false;
    while let Some(ended) = tasks.join_next().await {
        unasked |= !stop.is_cancelled();
        stop.cancel();
        ended.context("a task panicked")?;
    }
    if unasked {
        bail!("a task exited unexpectedly");
    }
    Ok(())
}

fn process_id() -> String {
    Uuid::new_v4().simple().to_string()
}
