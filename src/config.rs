//! The configuration: as typed (`file`), then checked and as used ([`Config`]).
//!
//! Every problem is reported, with its key path, before anything starts.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use globset::GlobSet;
use tokio::sync::oneshot;

use crate::access::{self, Web};
use crate::cloud::api::Signature;
use crate::cloud::api::endpoint::{Network, Place, Site, endpoint};
use crate::cloud::catalog::{Catalog, Product};
use crate::cloud::credentials::Source;
use crate::cloud::discovery::TagSource;
use crate::inventory::shard::Shard;
use crate::policy::Rules;
use crate::publication::exposition::Options;

mod check;
mod checker;
mod file;
mod load;
mod sources;

pub use load::{load, load_without_accounts};
pub use sources::Sources;

/// The configuration as used.
#[derive(Debug)]
pub struct Config {
    pub listen: Listen,
    pub collect: Collect,
    pub api: Api,
    /// The products that can be listed.
    pub catalog: Arc<Catalog>,
    pub accounts: Vec<Account>,
    pub options: Options,
    pub system_keys: Arc<GlobSet>,
    /// The globs of `system_keys` as written.
    pub exclude_keys: Vec<String>,
    pub rules: Rules,
    /// `None` = in memory.
    pub state: Option<State>,
    pub shard: Shard,
    pub log: Log,
}

impl Config {
    /// Values that take effect only at a start, by key path.
    pub fn fixed(&self) -> BTreeMap<&'static str, String> {
        let Listen { address, max_connections, web, allowed_hosts, .. } = &self.listen;
        let Listen { health_without_auth, enable_lifecycle, .. } = &self.listen;
        let web = web.as_ref().map(|(path, _)| path);
        [
            ("web.listen_address", address.to_string()),
            ("web.allowed_hosts", format!("{allowed_hosts:?}")),
            ("web.max_connections", max_connections.to_string()),
            ("web.config_file", format!("{web:?}")),
            ("web.health_without_auth", health_without_auth.to_string()),
            ("web.enable_lifecycle", enable_lifecycle.to_string()),
            ("state", format!("{:?}", self.state)),
            ("shard", format!("{:?}", self.shard)),
            ("log", format!("{:?}", self.log)),
        ]
        .into()
    }
}

#[derive(Debug, Clone)]
pub struct Listen {
    pub address: SocketAddr,
    /// Names, with a port or without, under which requests are answered; none = all.
    pub allowed_hosts: Vec<String>,
    /// Requests that are answered at once.
    pub max_connections: usize,
    /// TLS and basic authentication: the file, and what it says now.
    pub web: Option<(PathBuf, Arc<Web>)>,
    /// Whether the health of the process can be asked for without a password.
    pub health_without_auth: bool,
    /// Whether the configuration can be read again by a request.
    pub enable_lifecycle: bool,
}

#[derive(Debug)]
pub struct Collect {
    pub interval: Duration,
    pub deadline: Duration,
    pub max_staleness: Duration,
    pub concurrency: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// A template for the URL of every product.
    pub endpoint: Option<String>,
    pub network: Network,
    pub signature: Signature,
    /// For each target; `None` = the catalog's value.
    pub requests_per_second: Option<f64>,
    pub request_timeout: Duration,
    pub max_attempts: usize,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub regions: Regions,
    /// Each once.
    pub products: Vec<Arc<Product>>,
    pub tag_source: TagSource,
    pub site: Site,
    /// By product, the listed regions in which it is offered, where that is not in all of them.
    pub offered: BTreeMap<String, Vec<String>>,
    /// From start to start.
    pub interval: Duration,
    /// For one collection, at most the interval.
    pub deadline: Duration,
    pub credentials: Source,
}

impl Account {
    /// The regions in which `product` is listed, where no answer of the cloud is needed to know them.
    pub fn regions_of<'a>(&'a self, product: &'a Product) -> &'a [String] {
        match &self.regions {
            _ if product.api.is_global() => std::slice::from_ref(&*GLOBAL),
            Regions::Listed(regions) => self.offered.get(&product.name).unwrap_or(regions),
            Regions::All if self.finds_regions_of(product) => &[],
            Regions::All => &product.regions_api().endpoints.regions,
        }
    }

    /// Whether the cloud is asked for the regions of `product`.
    pub fn finds_regions_of(&self, product: &Product) -> bool {
        self.regions == Regions::All && !product.api.is_global() && product.regions_api().regions.is_some()
    }
}

/// The region id of products without regions.
static GLOBAL: LazyLock<String> = LazyLock::new(|| "global".to_owned());

/// The regions of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    Listed(Vec<String>),
    /// Those that the cloud has for each product.
    All,
}

impl Regions {
    /// Those that the configuration names.
    pub fn listed(&self) -> &[String] {
        match self {
            Self::Listed(regions) => regions,
            Self::All => &[],
        }
    }
}

/// The file that outlives a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub path: PathBuf,
    /// Older changes are deleted.
    pub retention: Duration,
}

#[derive(Debug, Clone)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub json: bool,
}

/// Something in the configuration that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or the environment, where that is known.
    pub origin: Option<String>,
    /// The key path, e.g. `accounts[0].regions`; empty for the whole.
    pub path: String,
    pub text: String,
}

/// Asks for the configuration to be read again. The answer says what is wrong with it.
pub type Reload = oneshot::Sender<Result<(), Problems>>;

/// All that is wrong.
#[derive(Debug, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [self.origin.as_deref().unwrap_or_default(), &self.path, &self.text];
        let parts: Vec<_> = known.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join(": "))
    }
}
