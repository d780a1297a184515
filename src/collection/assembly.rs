//! What targets are made of: the configuration's accounts with their credentials, and collectors for them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use globset::GlobSet;

use crate::cloud::api::endpoint::{EndpointError, Place, endpoint};
use crate::cloud::api::{authority, direct_client, http_client};
use crate::cloud::catalog::{self, Product, RegionListing};
use crate::cloud::client::Client;
use crate::cloud::credentials::{Provider, Reach, Reason};
use crate::cloud::discovery::Lister;
use crate::cloud::pacing::{InFlight, Pace};
use crate::collection::collector::Collector;
use crate::config::{Account, Api, Config};
use crate::instruments::{AccountInstruments, Instruments};
use crate::inventory::shard::Shard;
use crate::inventory::{Scope, Target};

/// One account at work.
#[derive(Clone)]
pub struct AccountParts {
    pub account: Account,
    pub provider: Arc<Provider>,
    pub instruments: AccountInstruments,
}

impl AccountParts {
    /// What regions have to be found for.
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, Arc<Product>)> {
        let products = self.account.products.iter().filter(|product| self.account.finds_regions_of(product));
        let account: Arc<str> = self.account.name.as_str().into();
        products.map(move |product| {
            (
                Scope { account: Arc::clone(&account), product: product.name.as_str().into() },
                Arc::clone(product),
            )
        })
    }
}

/// Makes the parts of targets.
pub struct Parts {
    http: reqwest::Client,
    in_flight: InFlight,
    api: Api,
    system_keys: Arc<GlobSet>,
    shard: Shard,
    instruments: Instruments,
}

/// The operations of STS that are called.
const STS_ACTIONS: [&str; 3] = ["AssumeRole", "AssumeRoleWithOIDC", "GetCallerIdentity"];

impl Parts {
    pub fn new(config: &Config, instruments: &Instruments) -> anyhow::Result<Self> {
        Ok(Self {
            http: http_client(config.api.request_timeout).context("could not make the HTTP client")?,
            in_flight: InFlight::new(config.collect.concurrency),
            api: config.api.clone(),
            system_keys: Arc::clone(&config.system_keys),
            shard: config.shard,
            instruments: instruments.clone(),
        })
    }

    /// The accounts, whose credentials are not asked for yet.
    pub fn accounts(&mut self, accounts: &[Account]) -> anyhow::Result<Vec<AccountParts>> {
        let direct = direct_client().context("could not make the HTTP client for credentials")?;
        let account = |account: &Account| {
            let reach = Reach {
                permits: self.in_flight.permits("sts"),
                http: self.http.clone(),
                direct: direct.clone(),
                max_attempts: self.api.max_attempts,
                endpoint: self.api.endpoint.clone(),
                network: self.api.network,
                region: account.regions.listed().first().cloned(),
                instruments: self.instruments.api("sts", &STS_ACTIONS),
            };
            let instruments = self.instruments.account(&account.name, &Reason::ALL);
            let provider = Provider::new(account.credentials.clone(), reach, instruments.clone());
            AccountParts { account: account.clone(), provider: Arc::new(provider), instruments }
        };
        Ok(accounts.iter().map(account).collect())
    }

    /// The collectors of the account's targets that this shard owns.
    pub fn collectors(&mut self, parts: &AccountParts) -> anyhow::Result<Vec<Collector>> {
        let mut collectors = Vec::new();
        for product in &parts.account.products {
            for region in parts.account.regions_of(product) {
                collectors.extend(self.collector(parts, product, region, None)?);
            }
        }
        Ok(collectors)
    }

    /// The collector of one target, if this shard owns it and the network reaches it; with the host that the cloud told for the region.
    pub fn collector(
        &mut self,
        parts: &AccountParts,
        product: &Arc<Product>,
        region: &str,
        told_host: Option<&str>,
    ) -> anyhow::Result<Option<Collector>> {
        let AccountParts { account, .. } = parts;
        let target = Target::new(&account.name, region, &product.name);
        if !self.shard.owns(&target) {
            return Ok(None);
        }
        let client = match self.client(parts, product, &product.api, region, told_host) {
            Err(error) if is_no_vpc_host(&error) => {
                tracing::warn!(%target, "is left out: {error}");
                return Ok(None);
            }
            client => client?,
        };
        let lister = Lister::new(client, account.tag_source, Arc::clone(&self.system_keys));
        Ok(Some(Collector {
            target,
            lister,
            interval: account.interval,
            deadline: account.deadline,
            requests_per_second: self.requests_per_second(&product.api),
            previous: Arc::new([]),
        }))
    }

    /// The client that finds the regions of a product.
    pub fn searcher(
        &mut self,
        parts: &AccountParts,
        product: &Arc<Product>,
    ) -> anyhow::Result<(Client, RegionListing)> {
        let api = product.regions_api();
        let listing = api.regions.clone().context("the API lists no regions")?;
        Ok((self.client(parts, product, api, &listing.ask_in, None)?, listing))
    }

    fn client(
        &mut self,
        parts: &AccountParts,
        product: &Arc<Product>,
        api: &Arc<catalog::Api>,
        region: &str,
        told_host: Option<&str>,
    ) -> anyhow::Result<Client> {
        let Api { endpoint: template, network, signature, max_attempts, .. } = &self.api;
        let place = Place { api: &api.code, region, site: parts.account.site, told_host };
        let url = endpoint(&api.endpoints, template.as_deref(), *network, place)?;
        let actions = match api.name == product.api.name {
            true => product.actions(),
            false => api.regions.iter().map(|regions| regions.action.as_str()).collect(),
        };
        Ok(Client {
            http: self.http.clone(),
            permits: self.in_flight.permits(authority(&url)),
            endpoint: url,
            product: Arc::clone(product),
            api: Arc::clone(api),
            region: region.to_owned(),
            credentials: Arc::clone(&parts.provider),
            signature: *signature,
            pace: Pace::new(self.requests_per_second(api)),
            max_attempts: *max_attempts,
            instruments: self.instruments.api(&api.code, &actions),
            attempts: AtomicU64::new(0),
        })
    }

    fn requests_per_second(&self, api: &catalog::Api) -> f64 {
        self.api.requests_per_second.unwrap_or(api.requests_per_second)
    }
}

fn is_no_vpc_host(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(EndpointError::NoVpcHost { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};

    #[tokio::test]
    async fn a_found_region_without_a_host_inside_the_vpc_is_left_out_and_stops_nothing() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let text = r#"
            api = { network = "vpc" }
            [[accounts]]
            name = "prod"
            regions = ["all"]
        "#;
        let file = Some(("test".to_owned(), text.to_owned()));
        let config = load(&Sources { file, ..Sources::default() }).unwrap();
        let mut parts = Parts::new(&config, &Instruments::new().unwrap()).unwrap();
        let account = parts.accounts(&config.accounts).unwrap().remove(0);
        let product = &config.accounts[0].products[0];
        let mut is_there = |region| parts.collector(&account, product, region, None).unwrap().is_some();
        assert!(is_there("cn-hangzhou"));
        assert!(!is_there("cn-beijing-finance-1"));
    }
}
