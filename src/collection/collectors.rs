//! The running loops. They follow the configuration, discovered regions and reloads; a loop whose inputs are unchanged
//! keeps running.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::accounts::look_after;
use super::assembly::{AccountParts, Assembly, Parts};
use super::collector::Collector;
use super::loops::Loops;
use super::region_search::{FoundRegions, RegionSearch, log_regions};
use super::targets::{Discovered, arrangement, searches, targets, unreachable};
use crate::clock::Heartbeat;
use crate::cloud::discovery::FoundRegion;
use crate::config::{Config, Problems, Reload};
use crate::instruments::Instruments;
use crate::inventory::{Scope, Target};
use crate::publication::publisher::{Event, Published};

mod reload;

use reload::{BETWEEN_RELOADS, next};

/// What the loops share with the rest of the process.
pub struct Links {
    pub published: watch::Receiver<Arc<Published>>,
    pub events: mpsc::Sender<Event>,
    pub instruments: Instruments,
    pub stop: CancellationToken,
    /// Beats at least once in `BETWEEN_BEATS`, unless a change of the configuration takes longer.
    pub heartbeat: Heartbeat,
}

pub struct Collectors {
    config: Config,
    /// Values that take effect only at a start, by key path.
    fixed: BTreeMap<&'static str, String>,
    assembly: Assembly,
    links: Links,
    /// The number of the last arrangement.
    arrangement: u64,
    accounts: Loops<Arc<str>, Arc<AccountParts>>,
    searches: Loops<Vec<Scope>, Parts>,
    collectors: Loops<Target, Parts>,
    tasks: JoinSet<()>,
}

/// Delay between the starts of two collectors; all delays together take at most this part of the interval.
const SLOT: Duration = Duration::from_millis(20);
const PART_OF_INTERVAL: f64 = 0.8;
const BETWEEN_BEATS: Duration = Duration::from_secs(30);

impl Collectors {
    /// For a configuration that the publisher already has as arrangement 0.
    pub fn new(config: Config, links: Links) -> anyhow::Result<Self> {
        Ok(Self {
            fixed: config.fixed(),
            assembly: Assembly::new(&config, &links.instruments)?,
            config,
            links,
            arrangement: 0,
            accounts: Loops::default(),
            searches: Loops::default(),
            collectors: Loops::default(),
            tasks: JoinSet::new(),
        })
    }

    /// Runs the loops until it is stopped or one of them fails. `asked` has the configuration read again by `read`.
    pub async fn run<R>(mut self, read: R, mut asked: mpsc::Receiver<Reload>)
    where
        R: Fn() -> Result<Config, Problems>,
    {
        let (sender, mut found) = mpsc::channel(1);
        let mut reload_from = Instant::now();
        let mut beats = tokio::time::interval(BETWEEN_BEATS);
        self.settle(&sender).await;
        loop {
            self.links.heartbeat.beat();
            tokio::select! {
                // Checked first: `stop` also ends the loops, which is then expected.
                biased;
                () = self.links.stop.cancelled() => break,
                _ = beats.tick() => {}
                Some(reload) = next(&mut asked, reload_from) => {
                    reload_from = Instant::now() + BETWEEN_RELOADS;
                    let _ = reload.send(self.reload(&read, &sender).await);
                }
                Some(regions) = found.recv() => self.regions_found(regions).await,
                Some(Err(error)) = self.tasks.join_next() => {
                    return tracing::error!(%error, "a collector exited unexpectedly");
                }
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Starts and stops loops until they match the configuration.
    async fn settle(&mut self, found: &mpsc::Sender<FoundRegions>) {
        self.settle_accounts().await;
        self.settle_searches(found).await;
        let discovered = self.links.published.borrow().regions.clone();
        self.settle_collectors(discovered).await;
    }

    async fn settle_accounts(&mut self) {
        let Self { config, assembly, .. } = self;
        let wanted: BTreeMap<Arc<str>, _> = config
            .accounts
            .iter()
            .map(|account| (account.name.as_str().into(), assembly.account(account)))
            .collect();
        for account in self.accounts.keep(&wanted).await {
            self.links.instruments.forget_account(&account);
            // The send fails only during shutdown.
            let _ = self.links.events.send(Event::AccountId { account, id: None }).await;
        }
        for (name, parts) in wanted {
            if !self.accounts.has(&name) {
                let work = look_after(Arc::clone(&parts), self.links.events.clone());
                self.accounts.start(&mut self.tasks, &self.links.stop, name, parts, work);
            }
        }
    }

    async fn settle_searches(&mut self, found: &mpsc::Sender<FoundRegions>) {
        let Self { config, assembly, .. } = self;
        let wanted: BTreeMap<_, _> = searches(config)
            .into_iter()
            .map(|search| (search.scopes(), assembly.search_parts(&search)))
            .collect();
        self.searches.keep(&wanted).await;
        for (scopes, parts) in wanted {
            if !self.searches.has(&scopes) {
                self.start_search(scopes, parts, found.clone());
            }
        }
    }

    fn start_search(&mut self, scopes: Vec<Scope>, parts: Parts, found: mpsc::Sender<FoundRegions>) {
        match self.assembly.searcher(&parts) {
            Ok((client, listing)) => {
                let search = RegionSearch {
                    scopes: scopes.clone(),
                    client,
                    listing,
                    retry_interval: parts.times.0,
                    instruments: parts.account.instruments.clone(),
                };
                let work = search.run(self.links.published.clone(), found);
                self.searches.start(&mut self.tasks, &self.links.stop, scopes, parts, work);
            }
            Err(error) => tracing::error!("cannot discover the regions of {}: {error:#}", parts.product.name),
        }
    }

    async fn regions_found(&mut self, found: FoundRegions) {
        let FoundRegions { scopes, regions, at } = found;
        let mut discovered = self.links.published.borrow().regions.clone();
        for scope in &scopes {
            // The scope may have left the configuration in the meantime.
            if let Some(known) = discovered.get_mut(scope) {
                let answered = known.answered(regions.iter().map(FoundRegion::listed), at);
                log_regions(scope, &known.by_id, &answered.by_id);
                *known = answered;
            }
        }
        for (target, error) in unreachable(&self.config, &discovered) {
            if scopes.iter().any(|scope| scope.covers(&target)) {
                tracing::warn!(%target, "left out: {error}");
            }
        }
        self.settle_collectors(discovered).await;
    }

    /// Stops unwanted collectors, sends the new arrangement to the publisher, and starts new collectors.
    async fn settle_collectors(&mut self, discovered: Discovered) {
        let Self { config, assembly, .. } = self;
        let listed = targets(config, &discovered).into_iter();
        let listed = listed.filter(|wanted| wanted.region.missing_since.is_none());
        let wanted: BTreeMap<_, _> =
            listed.map(|wanted| (wanted.target.clone(), assembly.parts(&wanted))).collect();
        self.collectors.keep(&wanted).await;
        self.arrange(discovered).await;
        let new = wanted.into_iter().filter(|(target, _)| !self.collectors.has(target)).collect::<Vec<_>>();
        self.start(new);
    }

    /// Returns when the arrangement is published.
    async fn arrange(&mut self, discovered: Discovered) {
        self.arrangement += 1;
        let number = self.arrangement;
        let event = Event::Arrange(arrangement(number, &self.config, discovered));
        // The send fails only during shutdown.
        if self.links.events.send(event).await.is_ok() {
            let _ = self.links.published.wait_for(|published| published.arrangement >= number).await;
        }
    }

    /// Starts collectors one after another, to spread their requests.
    fn start(&mut self, new: Vec<(Target, Parts)>) {
        let number = new.len().max(1) as f64;
        for (index, (target, parts)) in new.into_iter().enumerate() {
            match self.assembly.collector(target.clone(), &parts) {
                Ok(collector) => self.start_one(collector, parts, index as f64, number),
                Err(error) => tracing::error!(%target, "cannot start the collector: {error:#}"),
            }
        }
    }

    fn start_one(&mut self, collector: Collector, parts: Parts, index: f64, number: f64) {
        let slot = SLOT.min(collector.interval.mul_f64(PART_OF_INTERVAL / number));
        let delay = slot.mul_f64(index + fastrand::f64());
        let target = collector.target.clone();
        let work = collector.run(delay, self.links.published.clone(), self.links.events.clone());
        self.collectors.start(&mut self.tasks, &self.links.stop, target, parts, work);
    }
}
