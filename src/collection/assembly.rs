//! What targets are made of: the configuration's accounts with their credentials, and collectors for them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::Context as _;
use globset::GlobSet;

use crate::cloud::api::endpoint::{Place, endpoint};
use crate::cloud::api::{authority, direct_client, http_client};
use crate::cloud::catalog::Product;
use crate::cloud::client::Client;
use crate::cloud::credentials::{Cause, Provider, Transport};
use crate::cloud::discovery::Lister;
use crate::cloud::pacing::{InFlight, Pace};
use crate::collection::collector::Collector;
use crate::config::{Account, Api, Config, Regions};
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
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, &'static Product)> {
        let products = self.account.products.iter().filter(|_| self.account.regions == Regions::All);
        let account: Arc<str> = self.account.name.as_str().into();
        products.map(move |product| {
            (Scope { account: Arc::clone(&account), product: product.name.as_str().into() }, *product)
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
            let transport = Transport {
                permits: self.in_flight.permits("sts"),
                http: self.http.clone(),
                direct: direct.clone(),
                max_attempts: self.api.max_attempts,
                endpoint: self.api.endpoint.clone(),
                network: self.api.network,
                region: account.regions.listed().first().cloned(),
                instruments: self.instruments.api("sts", &STS_ACTIONS),
            };
            let instruments = self.instruments.account(&account.name, &Cause::ALL);
            let provider = Provider::new(account.credentials.clone(), transport, instruments.clone());
            AccountParts { account: account.clone(), provider: Arc::new(provider), instruments }
        };
        Ok(accounts.iter().map(account).collect())
    }

    /// The collectors of the account's targets that this shard owns.
    pub fn collectors(&mut self, parts: &AccountParts) -> anyhow::Result<Vec<Collector>> {
        let mut collectors = Vec::new();
        for product in &parts.account.products {
            for region in parts.account.regions.listed() {
                collectors.extend(self.collector(parts, product, region, None)?);
            }
        }
        Ok(collectors)
    }

    /// The collector of one target, if this shard owns it; with the host that the cloud told for the region.
    pub fn collector(
        &mut self,
        parts: &AccountParts,
        product: &'static Product,
        region: &str,
        told_host: Option<&str>,
    ) -> anyhow::Result<Option<Collector>> {
        let AccountParts { account, .. } = parts;
        let target = Target::new(&account.name, region, &product.name);
        if !self.shard.owns(&target) {
            return Ok(None);
        }
        let lister = Lister {
            client: self.client(parts, product, region, told_host)?,
            product,
            tag_source: account.tag_source,
            system_keys: Arc::clone(&self.system_keys),
            ids_per_request: product.tags.ids_per_request,
        };
        Ok(Some(Collector {
            target,
            lister,
            interval: account.interval,
            deadline: account.deadline,
            requests_per_second: self.requests_per_second(product),
            previous: Arc::new([]),
        }))
    }

    /// The client that finds the regions of a product.
    pub fn searcher(&mut self, parts: &AccountParts, product: &'static Product) -> anyhow::Result<Client> {
        self.client(parts, product, &product.regions.ask_in, None)
    }

    fn client(
        &mut self,
        parts: &AccountParts,
        product: &'static Product,
        region: &str,
        told_host: Option<&str>,
    ) -> anyhow::Result<Client> {
        let Api { endpoint: template, network, signature, max_attempts, .. } = &self.api;
        let place = Place { product: &product.name, region, told_host };
        let url = endpoint(&product.endpoints, template.as_deref(), *network, place)?;
        Ok(Client {
            http: self.http.clone(),
            permits: self.in_flight.permits(authority(&url)),
            endpoint: url,
            product: product.name.clone(),
            version: product.version.clone(),
            region: region.to_owned(),
            credentials: Arc::clone(&parts.provider),
            signature: *signature,
            pace: Pace::new(self.requests_per_second(product)),
            max_attempts: *max_attempts,
            instruments: self.instruments.api(&product.name, &product.actions()),
            attempts: AtomicU64::new(0),
        })
    }

    fn requests_per_second(&self, product: &Product) -> f64 {
        self.api.requests_per_second.unwrap_or(product.requests_per_second)
    }
}
