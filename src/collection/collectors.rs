//! The loops that run: those of the configuration from the start, those of regions that come and go, and others when
//! the configuration is read again. What stays as it was loses nothing and is not started anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::accounts::look_after;
use super::assembly::{AccountParts, Assembly, Parts};
use super::collector::Collector;
use super::loops::Loops;
use super::region_search::{FoundRegions, RegionSearch};
use super::targets::{Discovered, arrangement, searches, targets, unreachable};
use crate::clock::Heartbeat;
use crate::config::{Config, Problem, Problems, Reload};
use crate::instruments::Instruments;
use crate::inventory::{Region, Scope, Target};
use crate::publication::publisher::{Event, Published};

/// What the loops are given.
pub struct Links {
    pub published: watch::Receiver<Arc<Published>>,
    pub events: mpsc::Sender<Event>,
    pub instruments: Instruments,
    pub stop: CancellationToken,
    /// Beats at least once in [`BETWEEN_BEATS`], unless a change of the configuration takes longer.
    pub heartbeat: Heartbeat,
}

pub struct Collectors {
    config: Config,
    /// Values that only a start can change, by their key paths.
    fixed: BTreeMap<&'static str, String>,
    assembly: Assembly,
    links: Links,
    /// The number of the last arrangement.
    arrangement: u64,
    accounts: Loops<Arc<str>, Arc<AccountParts>>,
    searches: Loops<Scope, Parts>,
    collectors: Loops<Target, Parts>,
    tasks: JoinSet<()>,
}

/// Between the starts of two collectors, and together at most this part of the interval.
const SLOT: Duration = Duration::from_millis(20);
const PART_OF_INTERVAL: f64 = 0.8;
/// From the start of a reload to that of the next one: requests that come in between are one.
const BETWEEN_RELOADS: Duration = Duration::from_secs(1);
const BETWEEN_BEATS: Duration = Duration::from_secs(30);

impl Collectors {
    /// For a configuration that is arranged already, under the number 0.
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
                // First: the same stop ends the loops, which is then no surprise.
                biased;
                () = self.links.stop.cancelled() => break,
                _ = beats.tick() => {}
                Some(reload) = next(&mut asked, reload_from) => {
                    reload_from = Instant::now() + BETWEEN_RELOADS;
                    let _ = reload.send(self.reload(&read, &sender).await);
                }
                Some(regions) = found.recv() => self.regions_found(regions).await,
                Some(Err(error)) = self.tasks.join_next() => {
                    return tracing::error!(%error, "a collector failed");
                }
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn reload<R>(&mut self, read: &R, found: &mpsc::Sender<FoundRegions>) -> Result<(), Problems>
    where
        R: Fn() -> Result<Config, Problems>,
    {
        let reloaded = match read() {
            Ok(config) => self.replace(config, found).await,
            Err(problems) => Err(problems),
        };
        self.links.instruments.config_read(reloaded.is_ok());
        match &reloaded {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(problems) => {
                tracing::error!("cannot reload the configuration, keeping the current one: {problems}")
            }
        }
        reloaded
    }

    async fn replace(&mut self, config: Config, found: &mpsc::Sender<FoundRegions>) -> Result<(), Problems> {
        for (path, value) in config.fixed() {
            if self.fixed.get(path).is_some_and(|before| *before != value) {
                tracing::warn!("{path} has changed, which takes effect at the next start");
            }
        }
        self.assembly.reconfigure(&config).map_err(|error| {
            let text = format!("{error:#}");
            Problems(vec![Problem { origin: None, path: String::new(), text }])
        })?;
        self.config = config;
        self.settle(found).await;
        Ok(())
    }

    /// Brings the loops to what the configuration wants.
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
            // The publisher ends with the process.
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
            .map(|search| (search.scope.clone(), assembly.search_parts(&search)))
            .collect();
        self.searches.keep(&wanted).await;
        for (scope, parts) in wanted {
            if !self.searches.has(&scope) {
                self.start_search(scope, parts, found.clone());
            }
        }
    }

    fn start_search(&mut self, scope: Scope, parts: Parts, found: mpsc::Sender<FoundRegions>) {
        match self.assembly.searcher(&parts) {
            Ok((client, listing)) => {
                let search = RegionSearch {
                    scope: scope.clone(),
                    client,
                    listing,
                    retry_interval: parts.times.0,
                    instruments: parts.account.instruments.clone(),
                };
                let work = search.run(self.links.published.clone(), found);
                self.searches.start(&mut self.tasks, &self.links.stop, scope, parts, work);
            }
            Err(error) => tracing::error!("cannot discover the regions of {}: {error:#}", scope.product),
        }
    }

    async fn regions_found(&mut self, found: FoundRegions) {
        let FoundRegions { scope, regions, at } = found;
        let mut discovered = self.links.published.borrow().regions.clone();
        // The scope may have left the configuration meanwhile.
        let Some(known) = discovered.get(&scope) else { return };
        let listed = regions.into_iter().map(|region| (region.id.into(), region.told_host));
        let answered = known.answered(listed, at);
        log_regions(&scope, &known.by_id, &answered.by_id);
        discovered.insert(scope.clone(), answered);
        for (target, error) in unreachable(&self.config, &discovered) {
            if scope.covers(&target) {
                tracing::warn!(%target, "left out: {error}");
            }
        }
        self.settle_collectors(discovered).await;
    }

    /// Stops what is not to be collected any more, has the publisher arrange the rest, and starts what is new.
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
        // An error is the publisher's end, and then the process's.
        if self.links.events.send(event).await.is_ok() {
            let _ = self.links.published.wait_for(|published| published.arrangement >= number).await;
        }
    }

    /// Starts collectors one after the other, so that many do not all ask at once.
    fn start(&mut self, new: Vec<(Target, Parts)>) {
        let number = new.len().max(1) as f64;
        for (index, (target, parts)) in new.into_iter().enumerate() {
            match self.assembly.collector(target.clone(), &parts) {
                Ok(collector) => self.start_one(collector, parts, index as f64, number),
                Err(error) => tracing::error!(%target, "cannot list it: {error:#}"),
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

/// The next request for a reload, not before `from`.
async fn next(asked: &mut mpsc::Receiver<Reload>, from: Instant) -> Option<Reload> {
    sleep_until(from).await;
    asked.recv().await
}

fn log_regions(scope: &Scope, before: &BTreeMap<Arc<str>, Region>, after: &BTreeMap<Arc<str>, Region>) {
    for id in before.keys().filter(|id| !after.contains_key(*id)) {
        tracing::warn!(target = %scope.target(id), "region disappeared");
    }
    for (id, region) in after {
        let was_missing = before.get(id).map(|region| region.missing_since.is_some());
        match (was_missing, region.missing_since.is_some()) {
            (None, _) => tracing::info!(target = %scope.target(id), "region discovered"),
            (Some(false), true) => {
                tracing::warn!(target = %scope.target(id), "region is missing from the cloud's list");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reload_waits_until_a_second_after_the_one_before() {
        let (reloads, mut asked) = mpsc::channel(1);
        let began = Instant::now();
        for _ in 0..2 {
            reloads.try_send(oneshot::channel().0).unwrap();
            assert!(next(&mut asked, began + BETWEEN_RELOADS).await.is_some());
        }
        assert_eq!(began.elapsed(), BETWEEN_RELOADS);
    }
}
