//! The periodic discovery of a product's regions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::clock::now;
use crate::cloud::catalog::RegionListing;
use crate::cloud::client::Client;
use crate::cloud::discovery::{FoundRegion, regions};
use crate::instruments::AccountInstruments;
use crate::inventory::regions::REGION_LEAVES_AFTER;
use crate::inventory::{Region, Scope};
use crate::publication::publisher::Published;

/// Pause after a successful search.
pub const BETWEEN_SEARCHES: Duration = Duration::from_secs(3600);

/// Discovers the regions of one scope in a loop.
pub struct RegionSearch {
    /// Those of one API.
    pub scopes: Vec<Scope>,
    pub client: Client,
    pub listing: RegionListing,
    /// Pause after a failed search.
    pub retry_interval: Duration,
    pub instruments: AccountInstruments,
}

/// What the cloud answered.
pub struct FoundRegions {
    pub scopes: Vec<Scope>,
    pub regions: Vec<FoundRegion>,
    pub at: Timestamp,
}

impl RegionSearch {
    /// Searches until it is dropped or nobody receives the results. A failed search removes no region.
    pub async fn run(self, published: watch::Receiver<Arc<Published>>, found: mpsc::Sender<FoundRegions>) {
        loop {
            let searched = regions(&self.client, &self.listing).await;
            for scope in &self.scopes {
                self.instruments.regions_found(&scope.product, searched.is_ok());
            }
            let wait = match searched {
                Ok(regions) => {
                    let wait = self.next_search(&published.borrow(), &regions);
                    let found_regions = FoundRegions { scopes: self.scopes.clone(), regions, at: now() };
                    if found.send(found_regions).await.is_err() {
                        return;
                    }
                    wait
                }
                Err(error) => {
                    let Scope { account, product } = &self.scopes[0];
                    tracing::warn!(%account, "cannot discover the regions of {product}: {error}");
                    self.retry_interval.min(BETWEEN_SEARCHES)
                }
            };
            sleep(wait).await;
        }
    }

    /// Sooner if a region is missing: only a second answer removes it.
    fn next_search(&self, published: &Published, regions: &[FoundRegion]) -> Duration {
        let known = self.scopes.iter().filter_map(|scope| published.regions.get(scope));
        let is_listed = |id: &str| regions.iter().any(|region| region.id == id);
        let is_missing = known.flat_map(|known| known.by_id.keys()).any(|id| !is_listed(id));
        if is_missing { REGION_LEAVES_AFTER } else { BETWEEN_SEARCHES }
    }
}

/// Logs which regions come, go and go missing.
pub(super) fn log_regions(
    scope: &Scope,
    before: &BTreeMap<Arc<str>, Region>,
    after: &BTreeMap<Arc<str>, Region>,
) {
    for id in before.keys().filter(|id| !after.contains_key(*id)) {
        tracing::warn!(target = %scope.target(id), "region disappeared");
    }
    for (id, region) in after {
        let was_missing = before.get(id).map(|region| region.missing_since.is_some());
        match (was_missing, region.missing_since.is_some()) {
            (None, _) => tracing::info!(target = %scope.target(id), "region discovered"),
            (Some(false), true) => {
                tracing::warn!(target = %scope.target(id), "region is no longer listed by the cloud");
            }
            _ => {}
        }
    }
}
