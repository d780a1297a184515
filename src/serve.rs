//! The daemon: configuration → parts → tasks. It stops all tasks when one ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::{endpoint, http_client};
use crate::catalog::Product;
use crate::client::{Client, InFlight, Pace};
use crate::collector::Collector;
use crate::config::{Account, Config, Listen, State};
use crate::credentials::REASON_NOT_FOUND;
use crate::discovery::Lister;
use crate::history::{History, Recalled};
use crate::http::{self, Pages, Site};
use crate::instruments::Instruments;
use crate::inventory::Target;
use crate::publisher::{Publisher, Settings, now};
use crate::shard::Shard;
use crate::web::{self, Web};

/// Outcomes that wait for the publisher.
const OUTCOMES: usize = 16;

/// Binds the configured address, and runs there.
pub async fn listen(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    raise_file_limit();
    let address = config.listen.address;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
    let address = listener.local_addr()?;
    let web = config.listen.web.as_ref().map(|(_, web)| web);
    if !address.ip().is_loopback() && !web.is_some_and(Web::is_closed) {
        tracing::warn!("anyone who can reach {address} can read every tag: it asks for no password");
    }
    let scheme = if web.is_some_and(|web| web.tls.is_some()) { "https" } else { "http" };
    tracing::info!("open {scheme}://127.0.0.1:{0}/, /metrics and /tags", address.port());
    run(config, listener, stop).await
}

/// Each connection is a file: the soft limit on them goes up to the hard one.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "could not raise the limit on open files");
    }
}

/// Runs until `stop`, which is a success; a task that ends before is an error.
pub async fn run(config: Config, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let instruments = Instruments::new()?;
    instruments.shard(config.shard.ordinal, config.shard.total)?;
    let history = history(config.state.as_ref(), &instruments)?;
    let mut collectors = collectors(&config, &instruments)?;
    let targets = recall(&history, &mut collectors);
    let settings = Settings {
        rules: config.rules,
        options: config.options,
        max_staleness: config.collect.max_staleness,
    };
    let mut publisher = Publisher::new(settings, history.clone(), targets);
    let (sender, published) = watch::channel(publisher.publish(now()));
    let (outcomes, received) = mpsc::channel(OUTCOMES);
    let Listen { web, max_connections, health_without_auth, .. } = config.listen;
    let (web_path, web) = web.unzip();
    let web = watch::Sender::new(Arc::new(web.unwrap_or_default()));
    let site = Site {
        published,
        history,
        instruments: instruments.clone(),
        stop: stop.clone(),
        process_id: process_id(),
        pages: Pages::default(),
        web: web.subscribe(),
        health_without_auth,
    };

    let mut tasks = JoinSet::new();
    for collector in collectors {
        tasks.spawn(collector.run(outcomes.clone(), stop.clone()));
    }
    tasks.spawn(publisher.run(received, sender, stop.clone()));
    tasks.spawn(http::serve(listener, site, max_connections, stop.clone()));
    if let Some(path) = web_path {
        let told = move |read| tell_web(&instruments, read);
        tasks.spawn(web::watch(path, web, told, stop.clone()));
    }
    finish(tasks, &stop).await
}

fn tell_web(instruments: &Instruments, read: Result<(), Vec<web::Problem>>) {
    instruments.web_config_read(read.is_ok());
    match read {
        Ok(()) => tracing::info!("read the web configuration again"),
        Err(problems) => {
            for web::Problem { path, text } in problems {
                tracing::error!("the web configuration is not read again: {path}: {text}");
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

/// Begins with what is known from before: targets with the type of their resources and what is recalled of them.
fn recall(history: &History, collectors: &mut [Collector]) -> Vec<(Target, String, Recalled)> {
    let targets: Vec<_> = collectors.iter().map(|collector| collector.target.clone()).collect();
    let mut recalled = history.recall(&targets);
    let begin = |collector: &mut Collector| {
        let target = collector.target.clone();
        let recalled = recalled.remove(&target).unwrap_or_default();
        if let Some(known) = &recalled.known {
            collector.previous = Arc::clone(&known.resources);
        }
        (target, collector.lister.product.resource_type.clone(), recalled)
    };
    collectors.iter_mut().map(begin).collect()
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

/// One collector for each target of this shard.
pub fn collectors(config: &Config, instruments: &Instruments) -> anyhow::Result<Vec<Collector>> {
    let http = http_client(config.api.request_timeout).context("could not make the HTTP client")?;
    let mut in_flight = InFlight::new(config.collect.concurrency);
    let mut collectors = Vec::new();
    for (account, product, region) in targets(config) {
        let parts = Parts { config, account, product, region, instruments };
        collectors.push(parts.collector(http.clone(), &mut in_flight)?);
    }
    Ok(collectors)
}

/// The targets of this shard.
fn targets(config: &Config) -> impl Iterator<Item = (&Account, &'static Product, &str)> {
    let all = config.accounts.iter().flat_map(|account| {
        let regions = account.regions.iter().map(String::as_str);
        regions
            .flat_map(move |region| account.products.iter().map(move |product| (account, *product, region)))
    });
    all.filter(|(account, product, region)| {
        config.shard.owns(&Target::new(&account.name, region, &product.name))
    })
}

/// What one target is made of.
struct Parts<'a> {
    config: &'a Config,
    account: &'a Account,
    product: &'static Product,
    region: &'a str,
    instruments: &'a Instruments,
}

impl Parts<'_> {
    fn collector(&self, http: reqwest::Client, in_flight: &mut InFlight) -> anyhow::Result<Collector> {
        let Self { config, account, product, region, .. } = *self;
        let requests_per_second = config.api.requests_per_second.unwrap_or(product.requests_per_second);
        let lister = Lister {
            client: self.client(http, in_flight, requests_per_second)?,
            product,
            tag_source: account.tag_source,
            system_keys: Arc::clone(&config.system_keys),
            ids_per_request: product.tags.ids_per_request,
        };
        Ok(Collector {
            target: Target::new(&account.name, region, &product.name),
            lister,
            interval: config.collect.interval,
            deadline: config.collect.deadline,
            requests_per_second,
            previous: Arc::new([]),
        })
    }

    fn client(
        &self,
        http: reqwest::Client,
        in_flight: &mut InFlight,
        requests_per_second: f64,
    ) -> anyhow::Result<Client> {
        let Self { config, account, product, region, instruments } = *self;
        let template = config.api.endpoint.as_deref();
        let url =
            endpoint::endpoint(&product.endpoints, template, config.api.network, &product.name, region)?;
        let permits = in_flight.permits(&url[url::Position::BeforeHost..url::Position::AfterPort]);
        let api = instruments.api(&account.name, &product.name, &product.actions(), &[REASON_NOT_FOUND]);
        Ok(Client {
            http,
            endpoint: url,
            product: product.name.clone(),
            version: product.version.clone(),
            region: region.to_owned(),
            credentials: Arc::clone(&account.credentials),
            pace: Pace::new(requests_per_second),
            permits,
            max_attempts: config.api.max_attempts,
            instruments: api,
            attempts: AtomicU64::new(0),
        })
    }
}

/// How many targets a configuration gives to this shard, by product.
pub fn summary(config: &Config) -> String {
    let mut numbers = BTreeMap::<&str, usize>::new();
    for (_, product, _) in targets(config) {
        *numbers.entry(&product.name).or_default() += 1;
    }
    let numbers: Vec<_> =
        numbers.into_iter().map(|(product, number)| format!("{number} of {product}")).collect();
    let Shard { ordinal, total } = config.shard;
    match (numbers.as_slice(), total) {
        ([], _) => format!("targets: none in shard {ordinal} of {total}"),
        (_, 1) => format!("targets: {}", numbers.join(", ")),
        _ => format!("targets in shard {ordinal} of {total}: {}", numbers.join(", ")),
    }
}

fn process_id() -> String {
    Uuid::new_v4().simple().to_string()
}
