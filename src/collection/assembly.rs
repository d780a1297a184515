//! Builds collectors from connections, credentials and paces, which are kept until the configuration changes them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use globset::GlobSet;

use super::collector::Collector;
use super::region_search::MAX_SEARCH;
use super::targets::{Search, Wanted};
use crate::cloud::api::endpoint::{Place, Site, endpoint};
use crate::cloud::api::{authority, direct_client, http_client};
use crate::cloud::catalog::{self, Product, RegionListing};
use crate::cloud::client::Client;
use crate::cloud::credentials::{Cause, Provider, Source, Transport};
use crate::cloud::discovery::{Lister, TagSource};
use crate::cloud::pacing::{InFlight, Pace};
use crate::config::{Account, Api, Config};
use crate::instruments::{AccountInstruments, Instruments};
use crate::inventory::Target;

/// An account with its credentials provider and instruments.
pub struct AccountParts {
    pub name: Arc<str>,
    pub provider: Arc<Provider>,
    pub instruments: AccountInstruments,
    credentials: Source,
    region: Option<String>,
}

impl AccountParts {
    /// Whether it was built from the same settings as `account`.
    fn is_of(&self, account: &Account) -> bool {
        *self.name == *account.name
            && self.credentials == account.credentials
            && self.region.as_ref() == account.regions.listed().first()
    }
}

/// Compares identity: two accounts are equal only if they share one provider.
impl PartialEq for AccountParts {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Account, region and API: requests with the same key share a pace.
type PaceKey = [String; 3];

pub struct Assembly {
    http: reqwest::Client,
    direct: reqwest::Client,
    in_flight: InFlight,
    concurrency: usize,
    settings: Arc<Api>,
    system_keys: Arc<GlobSet>,
    exclude_keys: Vec<String>,
    accounts: BTreeMap<String, Arc<AccountParts>>,
    paces: BTreeMap<PaceKey, Arc<Pace>>,
    instruments: Instruments,
}

/// The inputs of a collector. A reload restarts the collector only if they differ.
#[derive(Clone)]
pub struct Parts {
    pub(super) account: Arc<AccountParts>,
    settings: Arc<Api>,
    system_keys: Arc<GlobSet>,
    pace: Arc<Pace>,
    pub(super) product: Arc<Product>,
    /// The API that is called.
    api: Arc<catalog::Api>,
    site: Site,
    told_host: Option<String>,
    tag_source: TagSource,
    /// Interval and deadline.
    pub(super) times: (Duration, Duration),
}

/// The STS operations in use.
const STS_ACTIONS: [&str; 3] = ["AssumeRole", "AssumeRoleWithOIDC", "GetCallerIdentity"];

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.account, &other.account)
            && Arc::ptr_eq(&self.settings, &other.settings)
            && Arc::ptr_eq(&self.system_keys, &other.system_keys)
            && Arc::ptr_eq(&self.pace, &other.pace)
            && (&self.product, &self.api) == (&other.product, &other.api)
            && self.site == other.site
            && self.told_host == other.told_host
            && self.tag_source == other.tag_source
            && self.times == other.times
    }
}

impl Assembly {
    pub fn new(config: &Config, instruments: &Instruments) -> anyhow::Result<Self> {
        Ok(Self {
            http: http_client(config.api.request_timeout).context("cannot create the HTTP client")?,
            direct: direct_client().context("cannot create the HTTP client for credentials")?,
            in_flight: InFlight::new(config.collect.concurrency),
            concurrency: config.collect.concurrency,
            settings: Arc::new(config.api.clone()),
            system_keys: Arc::clone(&config.system_keys),
            exclude_keys: config.exclude_keys.clone(),
            accounts: BTreeMap::new(),
            paces: BTreeMap::new(),
            instruments: instruments.clone(),
        })
    }

    /// Applies a new configuration; parts whose settings are unchanged are kept.
    pub fn reconfigure(&mut self, config: &Config) -> anyhow::Result<()> {
        if *self.settings != config.api || self.concurrency != config.collect.concurrency {
            *self = Self::new(config, &self.instruments)?;
            return Ok(());
        }
        let stays = |parts: &AccountParts| config.accounts.iter().any(|account| parts.is_of(account));
        self.accounts.retain(|_, parts| stays(parts));
        self.paces.retain(|_, pace| Arc::strong_count(pace) > 1);
        if self.exclude_keys != config.exclude_keys {
            self.exclude_keys.clone_from(&config.exclude_keys);
            self.system_keys = Arc::clone(&config.system_keys);
        }
        Ok(())
    }

    /// The parts of an account, created on first use. Requests no credentials yet.
    pub fn account(&mut self, account: &Account) -> Arc<AccountParts> {
        if let Some(parts) = self.accounts.get(&account.name) {
            return Arc::clone(parts);
        }
        let region = account.regions.listed().first().cloned();
        let transport = Transport {
            permits: self.in_flight.permits("sts"),
            http: self.http.clone(),
            direct: self.direct.clone(),
            max_attempts: self.settings.max_attempts,
            endpoint: self.settings.endpoint.clone(),
            network: self.settings.network,
            region: region.clone(),
            instruments: self.instruments.api("sts", &STS_ACTIONS),
        };
        let instruments = self.instruments.account(&account.name, &Cause::ALL);
        let provider = Provider::new(account.credentials.clone(), transport, instruments.clone());
        let (name, credentials) = (account.name.as_str().into(), account.credentials.clone());
        let provider = Arc::new(provider);
        let parts = Arc::new(AccountParts { name, provider, instruments, credentials, region });
        self.accounts.insert(account.name.clone(), Arc::clone(&parts));
        parts
    }

    /// The inputs of a target's collector.
    pub fn parts(&mut self, wanted: &Wanted<'_>) -> Parts {
        let Wanted { target, account, product, region } = wanted;
        let parts = self.parts_in(account, product, &product.api, &target.region_id);
        Parts { told_host: region.told_host.clone(), ..parts }
    }

    /// The inputs of a region search.
    pub fn search_parts(&mut self, search: &Search<'_>) -> Parts {
        self.parts_in(search.account, search.products[0], search.api, &search.listing.ask_in)
    }

    fn parts_in(
        &mut self,
        account: &Account,
        product: &Arc<Product>,
        api: &Arc<catalog::Api>,
        region: &str,
    ) -> Parts {
        Parts {
            account: self.account(account),
            settings: Arc::clone(&self.settings),
            system_keys: Arc::clone(&self.system_keys),
            pace: self.pace(account, region, api),
            product: Arc::clone(product),
            api: Arc::clone(api),
            site: account.site,
            told_host: None,
            tag_source: account.tag_source,
            times: (account.interval, account.deadline),
        }
    }

    pub fn collector(&mut self, target: Target, parts: &Parts) -> anyhow::Result<Collector> {
        let Parts { tag_source, times: (interval, deadline), .. } = *parts;
        let client = self.client(parts, &target.region_id, parts.product.actions(), deadline)?;
        let lister = Lister::new(client, tag_source, Arc::clone(&parts.system_keys));
        let requests_per_second = self.requests_per_second(&parts.api);
        Ok(Collector { target, lister, interval, deadline, requests_per_second })
    }

    /// The client of a region search, and the listing it reads.
    pub fn searcher(&mut self, parts: &Parts) -> anyhow::Result<(Client, RegionListing)> {
        let listing = parts.api.regions.clone().context("the API lists no regions")?;
        let client = self.client(parts, &listing.ask_in, vec![&listing.action], MAX_SEARCH)?;
        Ok((client, listing))
    }

    fn client(
        &mut self,
        parts: &Parts,
        region: &str,
        actions: Vec<&str>,
        patience: Duration,
    ) -> anyhow::Result<Client> {
        let Parts { account, product, api, pace, site, told_host, .. } = parts;
        let Api { endpoint: template, network, signature, max_attempts, .. } = &*self.settings;
        let place = Place { api: &api.code, region, site: *site, told_host: told_host.as_deref() };
        let url = endpoint(&api.endpoints, template.as_deref(), *network, place)?;
        Ok(Client {
            http: self.http.clone(),
            permits: self.in_flight.permits(authority(&url)),
            endpoint: url,
            product: Arc::clone(product),
            api: Arc::clone(api),
            region: region.to_owned(),
            credentials: Arc::clone(&account.provider),
            signature: *signature,
            pace: Arc::clone(pace),
            max_attempts: *max_attempts,
            patience,
            unsettled: Mutex::default(),
            instruments: self.instruments.api(&api.code, &actions),
            attempts: AtomicU64::new(0),
        })
    }

    fn pace(&mut self, account: &Account, region: &str, api: &catalog::Api) -> Arc<Pace> {
        let rate = self.requests_per_second(api);
        let key = [&account.name, region, &api.name].map(str::to_owned);
        Arc::clone(self.paces.entry(key).or_insert_with(|| Arc::new(Pace::new(rate))))
    }

    fn requests_per_second(&self, api: &catalog::Api) -> f64 {
        self.settings.requests_per_second.unwrap_or(api.requests_per_second)
    }
}
