//! The regions of a product, asked for again and again.

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
use crate::inventory::Scope;
use crate::inventory::regions::REGION_LEAVES_AFTER;
use crate::publication::publisher::Published;

/// Between two searches, after one that worked.
pub const BETWEEN_SEARCHES: Duration = Duration::from_secs(3600);

/// One search, with the waits between its attempts.
pub const MAX_SEARCH: Duration = Duration::from_secs(120);

/// What a search needs.
pub struct RegionSearch {
    pub scope: Scope,
    pub client: Client,
    pub listing: RegionListing,
    /// After a search that failed.
    pub retry_interval: Duration,
    pub instruments: AccountInstruments,
}

/// What the cloud answered.
pub struct FoundRegions {
    pub scope: Scope,
    pub regions: Vec<FoundRegion>,
    pub at: Timestamp,
}

impl RegionSearch {
    /// Searches until it is dropped, or nobody takes what is found. A search that fails takes no region away.
    pub async fn run(self, published: watch::Receiver<Arc<Published>>, found: mpsc::Sender<FoundRegions>) {
        loop {
            let searched = regions(&self.client, &self.listing).await;
            self.instruments.regions_found(&self.scope.product, searched.is_ok());
            let wait = match searched {
                Ok(regions) => {
                    let wait = self.next_search(&published.borrow(), &regions);
                    let found_regions = FoundRegions { scope: self.scope.clone(), regions, at: now() };
                    if found.send(found_regions).await.is_err() {
                        return;
                    }
                    wait
                }
                Err(error) => {
                    let Scope { account, product } = &self.scope;
                    tracing::warn!(%account, "cannot discover the regions of {product}: {error}");
                    self.retry_interval.min(BETWEEN_SEARCHES)
                }
            };
            sleep(wait).await;
        }
    }

    /// Sooner where a region is missing: only a second answer takes it away.
    fn next_search(&self, published: &Published, regions: &[FoundRegion]) -> Duration {
        let known = published.regions.get(&self.scope);
        let is_listed = |id: &str| regions.iter().any(|region| region.id == id);
        let is_missing = known.is_some_and(|known| known.by_id.keys().any(|id| !is_listed(id)));
        if is_missing { REGION_LEAVES_AFTER } else { BETWEEN_SEARCHES }
    }
}
