//! The collectors that run: those of the configuration from the start, and those of regions that come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cloud::catalog::{Product, RegionListing};
use crate::cloud::client::Client;
use crate::cloud::discovery::{FoundRegion, regions};
use crate::collection::assembly::{AccountParts, Parts};
use crate::collection::collector::Collector;
use crate::inventory::{Scope, Target};
use crate::publication::history::{History, Recalled};
use crate::publication::publisher::{Event, Found, Listings};

pub struct Fleet {
    parts: Parts,
    accounts: Vec<AccountParts>,
    history: History,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
    /// The last listings of targets whose regions have to be found again.
    known: Listings,
    /// What stops the collector of a target alone.
    running: BTreeMap<Target, CancellationToken>,
    tasks: JoinSet<()>,
}

/// The regions that a search found.
struct Search {
    account: AccountParts,
    scope: Scope,
    product: Arc<Product>,
    regions: Vec<FoundRegion>,
}

/// Between two searches for regions, after one that worked.
const BETWEEN_SEARCHES: Duration = Duration::from_secs(3600);
/// Between the starts of two collectors, and together at most this part of the interval.
const SLOT: Duration = Duration::from_millis(20);
const PART_OF_INTERVAL: f64 = 0.8;
/// After the cloud's id of an account could not be asked for.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(600);

impl Fleet {
    pub fn new(
        parts: Parts,
        accounts: Vec<AccountParts>,
        history: History,
        events: mpsc::Sender<Event>,
        known: Listings,
        stop: CancellationToken,
    ) -> Self {
        Self {
            known,
            parts,
            accounts,
            history,
            events,
            stop,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Runs `collectors`, and those of regions that are found, until it is stopped or one of them fails.
    pub async fn run(mut self, collectors: Vec<Collector>) {
        let (searches, mut found) = mpsc::channel(1);
        self.start(collectors);
        for account in self.accounts.clone() {
            self.tasks.spawn(look_after(account.clone(), self.events.clone(), self.stop.clone()));
            for (scope, product) in account.scopes() {
                match self.parts.searcher(&account, &product) {
                    Ok((client, listing)) => {
                        let account = account.clone();
                        let search = Search { account, scope, product, regions: Vec::new() };
                        self.tasks.spawn(search.repeat(
                            (client, listing),
                            searches.clone(),
                            self.stop.clone(),
                        ));
                    }
                    Err(error) => tracing::error!("no regions can be looked for: {error:#}"),
                }
            }
        }
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                Some(search) = found.recv() => self.settle(search).await,
                Some(ended) = self.tasks.join_next() => if let Err(error) = ended {
                    return tracing::error!(%error, "a collector failed");
                },
            }
        }
    }

    /// Starts collectors one after the other, so that many do not all ask at once.
    fn start(&mut self, collectors: Vec<Collector>) {
        let number = collectors.len().max(1) as f64;
        for (index, collector) in collectors.into_iter().enumerate() {
            let slot = SLOT.min(collector.interval.mul_f64(PART_OF_INTERVAL / number));
            let delay = slot.mul_f64(index as f64 + fastrand::f64());
            let stop = self.stop.child_token();
            self.running.insert(collector.target.clone(), stop.clone());
            self.tasks.spawn(collector.run(delay, self.events.clone(), stop));
        }
    }

    /// Starts the collectors of new regions, and stops those of regions that are gone.
    async fn settle(&mut self, search: Search) {
        let Search { scope, .. } = &search;
        let wanted = self.collectors(&search);
        let (stay, new): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|collector| self.running.contains_key(&collector.target));
        let targets = |of: &[Collector]| of.iter().map(|one| one.target.clone()).collect::<Vec<_>>();
        let (stay, mut new) = (targets(&stay), new);
        let added = targets(&new);
        let is_gone =
            |target: &&Target| scope.has(target) && !stay.contains(target) && !added.contains(target);
        let before = self.running.keys().chain(self.known.keys());
        let left: Vec<_> = before.filter(is_gone).cloned().collect();
        for target in &left {
            self.known.remove(target);
            tracing::warn!(%target, "the region is gone");
            if let Some(stop) = self.running.remove(target) {
                stop.cancel();
            }
        }
        let recalled = self.history.settle(scope.clone(), stay, added).await;
        let joined = join(&mut new, recalled);
        for collector in &mut new {
            if let Some(resources) = self.known.remove(&collector.target) {
                collector.previous = resources;
            }
        }
        for (target, ..) in &joined {
            tracing::info!(%target, "found the region");
        }
        let found = Found { scope: scope.clone(), joined, left };
        if self.events.send(Event::Found(found)).await.is_ok() {
            self.start(new);
        }
    }

    fn collectors(&mut self, search: &Search) -> Vec<Collector> {
        let Search { account, product, regions, .. } = search;
        let collector = |FoundRegion { id, told_host }: &FoundRegion| {
            let made = self.parts.collector(account, product, id, told_host.as_deref());
            made.inspect_err(|error| tracing::error!("{id} cannot be listed: {error:#}")).ok().flatten()
        };
        regions.iter().filter_map(collector).collect()
    }
}

/// Begins with what is recalled: targets with the type of their resources, and what is known of them.
pub fn join(
    collectors: &mut [Collector],
    mut recalled: BTreeMap<Target, Recalled>,
) -> Vec<(Target, String, Recalled)> {
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

impl Search {
    /// Looks for the regions now and then, until it is stopped. A search that fails takes no region away.
    async fn repeat(
        mut self,
        (client, listing): (Client, RegionListing),
        found: mpsc::Sender<Self>,
        stop: CancellationToken,
    ) {
        let searching = async {
            loop {
                let wait = match regions(&client, &listing).await {
                    Ok(regions) => {
                        self.told(true);
                        self.regions = regions;
                        if found.send(self.copy()).await.is_err() {
                            return;
                        }
                        BETWEEN_SEARCHES
                    }
                    Err(error) => {
                        self.told(false);
                        let account = &self.account.account.name;
                        tracing::warn!(
                            account,
                            "the regions of {} are not known: {error}",
                            self.product.name
                        );
                        self.account.account.interval.min(BETWEEN_SEARCHES)
                    }
                };
                sleep(wait).await;
            }
        };
        stop.run_until_cancelled(searching).await;
    }

    fn told(&self, worked: bool) {
        self.account.instruments.regions_found(&self.product.name, worked);
    }

    fn copy(&self) -> Self {
        let Self { account, scope, product, regions } = self;
        Self {
            account: account.clone(),
            scope: scope.clone(),
            product: Arc::clone(product),
            regions: regions.clone(),
        }
    }
}

/// Keeps the account's credentials fresh, and asks once for the cloud's id of it.
async fn look_after(account: AccountParts, events: mpsc::Sender<Event>, stop: CancellationToken) {
    let working = async { tokio::join!(account.provider.keep_fresh(), identify(&account, &events)) };
    stop.run_until_cancelled(working).await;
}

async fn identify(parts: &AccountParts, events: &mpsc::Sender<Event>) {
    let name = &parts.account.name;
    let id = loop {
        match parts.provider.account_id().await {
            Ok(id) => break id,
            Err(error) => tracing::debug!(account = name, "the id of the account is not known: {error}"),
        }
        sleep(BETWEEN_QUESTIONS).await;
    };
    parts.instruments.is_account(&id);
    // The publisher ends with the process.
    let _ = events.send(Event::AccountId { account: name.as_str().into(), id: id.into() }).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};
    use crate::instruments::Instruments;

    const CONFIG: &str = r#"
        api = { endpoint = "http://127.0.0.1:9" }
        [[accounts]]
        name = "prod"
        regions = ["all"]
        [[accounts]]
        name = "other"
        regions = ["all"]
        credentials = { source = "static", access_key_id = "id", access_key_secret = "secret" }
    "#;

    fn fleet() -> (Fleet, mpsc::Receiver<Event>) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let file = Some(("test".to_owned(), CONFIG.to_owned()));
        let config = load(&Sources { file, ..Sources::default() }).unwrap();
        let instruments = Instruments::new().unwrap();
        let mut parts = Parts::new(&config, &instruments).unwrap();
        let accounts = parts.accounts(&config.accounts).unwrap();
        let history = History::in_memory(instruments).unwrap();
        let (events, received) = mpsc::channel(8);
        (Fleet::new(parts, accounts, history, events, Listings::new(), CancellationToken::new()), received)
    }

    /// Settles what a search for the regions of an account found, and gives who joined and who left.
    async fn settled(
        (fleet, received): &mut (Fleet, mpsc::Receiver<Event>),
        account: usize,
        ids: &[&str],
    ) -> (Vec<String>, Vec<String>) {
        let account = fleet.accounts[account].clone();
        let (scope, product) = account.scopes().next().unwrap();
        let region = |id: &&str| FoundRegion { id: (*id).to_owned(), told_host: None };
        let regions = ids.iter().map(region).collect();
        fleet.settle(Search { account, scope, product, regions }).await;
        let Some(Event::Found(Found { joined, left, .. })) = received.recv().await else { panic!() };
        let joined = joined.iter().map(|(target, ..)| target.to_string()).collect();
        (joined, left.iter().map(Target::to_string).collect())
    }

    #[tokio::test]
    async fn a_search_starts_new_regions_stops_those_that_are_gone_and_leaves_other_accounts_alone() {
        let mut fleet = fleet();
        let (joined, left) = settled(&mut fleet, 0, &["r1", "r2"]).await;
        assert_eq!((joined.len(), left.len()), (2, 0));
        let stays = fleet.0.running[&Target::new("prod", "r2", "hbase")].clone();
        let goes = fleet.0.running[&Target::new("prod", "r1", "hbase")].clone();
        settled(&mut fleet, 1, &["r9"]).await;
        let (joined, left) = settled(&mut fleet, 0, &["r2", "r3"]).await;
        assert_eq!(joined, ["prod/r3/hbase"]);
        assert_eq!(left, ["prod/r1/hbase"]);
        assert!(goes.is_cancelled() && !stays.is_cancelled());
        assert_eq!(fleet.0.running.len(), 3);
    }
}
