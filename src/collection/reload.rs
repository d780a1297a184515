//! One fleet after the other: the configuration is read again, and what stays loses nothing.

use std::collections::BTreeMap;

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::collection::assembly::{AccountParts, Parts};
use crate::collection::collector::Collector;
use crate::collection::collectors::Fleet;
use crate::config::{Config, Problem, Problems, Reload};
use crate::instruments::Instruments;
use crate::inventory::Scope;
use crate::publication::history::History;
use crate::publication::publisher::{Arrangement, Event, Listings, Settings};

/// What a configuration comes to.
pub struct Plan {
    pub settings: Settings,
    parts: Parts,
    accounts: Vec<AccountParts>,
    /// Those of the targets that the configuration names.
    pub collectors: Vec<Collector>,
    /// Where the regions have to be found first.
    pub awaited: Vec<Scope>,
}

impl Plan {
    pub fn of(config: Config, instruments: &Instruments) -> anyhow::Result<Self> {
        let mut parts = Parts::new(&config, instruments)?;
        let accounts = parts.accounts(&config.accounts)?;
        let mut collectors = Vec::new();
        for account in &accounts {
            collectors.extend(parts.collectors(account)?);
        }
        let awaited = accounts.iter().flat_map(|account| account.scopes().map(|(scope, _)| scope)).collect();
        let max_staleness = config.collect.max_staleness;
        let settings = Settings { rules: config.rules, options: config.options, max_staleness };
        Ok(Self { settings, parts, accounts, collectors, awaited })
    }
}

/// Runs a fleet, and another one whenever the configuration is read again.
pub struct Reloader<R> {
    /// Reads the configuration.
    pub read: R,
    /// Values that only a start can change, by their key paths.
    pub fixed: BTreeMap<&'static str, String>,
    pub history: History,
    pub events: mpsc::Sender<Event>,
    pub instruments: Instruments,
    pub stop: CancellationToken,
}

/// The fleet that runs.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl<R: Fn() -> Result<Config, Problems>> Reloader<R> {
    /// Runs the fleet of `plan`, until it is stopped or a fleet ends unasked.
    pub async fn run(self, plan: Plan, mut asked: mpsc::Receiver<Reload>) {
        let mut running = self.start(plan, BTreeMap::new());
        loop {
            tokio::select! {
                // First: the same stop ends the collectors, which is then no surprise.
                biased;
                () = self.stop.cancelled() => break,
                Some(reload) = asked.recv() => {
                    let _ = reload.send(self.reload(&mut running).await);
                }
                ended = &mut running.task => {
                    return tracing::error!(?ended, "the collectors ended before they were asked to");
                }
            }
        }
        running.end().await;
    }

    /// Starts a fleet; `known` are the last listings of targets that are not new.
    fn start(&self, plan: Plan, mut known: Listings) -> Running {
        let Plan { parts, accounts, mut collectors, .. } = plan;
        for collector in &mut collectors {
            if let Some(resources) = known.remove(&collector.target) {
                collector.previous = resources;
            }
        }
        let stop = self.stop.child_token();
        let (history, events) = (self.history.clone(), self.events.clone());
        let fleet = Fleet::new(parts, accounts, history, events, known, stop.clone());
        Running { stop, task: tokio::spawn(fleet.run(collectors)) }
    }

    async fn reload(&self, running: &mut Running) -> Result<(), Problems> {
        let reloaded = match (self.read)() {
            Ok(config) => self.replace(running, config).await,
            Err(problems) => Err(problems),
        };
        self.instruments.config_read(reloaded.is_ok());
        match &reloaded {
            Ok(()) => tracing::info!("read the configuration again"),
            Err(problems) => tracing::error!("the configuration stays as it was: {problems}"),
        }
        reloaded
    }

    async fn replace(&self, running: &mut Running, config: Config) -> Result<(), Problems> {
        for (path, value) in config.fixed() {
            if self.fixed.get(path).is_some_and(|before| *before != value) {
                tracing::warn!("{path} has changed, which takes effect at the next start");
            }
        }
        let replaced = async {
            let plan = Plan::of(config, &self.instruments)?;
            running.end().await;
            self.instruments.forget_accounts();
            let known = self.arrange(&plan).await?;
            *running = self.start(plan, known);
            anyhow::Ok(())
        };
        replaced.await.map_err(|error| {
            let text = format!("{error:#}");
            Problems(vec![Problem { origin: None, path: String::new(), text }])
        })
    }

    /// Tells the publisher what is to be seen from now on, and hears what is known of it.
    async fn arrange(&self, plan: &Plan) -> anyhow::Result<Listings> {
        let targets = plan
            .collectors
            .iter()
            .map(|collector| (collector.target.clone(), collector.lister.product.resource_type.clone()));
        let (settings, awaited) = (plan.settings.clone(), plan.awaited.clone());
        let arrangement = Arrangement { settings, targets: targets.collect(), awaited };
        let (arranged, known) = oneshot::channel();
        let event = Event::Arrange(arrangement, arranged);
        self.events.send(event).await.ok().context("the publisher has ended")?;
        known.await.context("the publisher has ended")
    }
}

impl Running {
    /// Stops the collectors; a collection that is under way is dropped.
    async fn end(&mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
    }
}
