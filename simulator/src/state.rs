//! What the simulated cloud holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use jiff::SignedDuration;

use super::access_key::AccessKey;
use super::fault::FaultRule;
use super::log::{Answered, RequestLog};
use super::product::{self, Product};
use super::resources::{Resource, Resources};
use super::signature::Nonces;
use super::sts::Sts;

/// Looks at the request that was just answered, and may change the cloud before the next one.
///
/// The request is not in the log yet, and the hook not in [`State::after_request`]; what it puts there replaces it.
pub type AfterRequest = Box<dyn FnMut(&mut State, &Answered) + Send>;

/// Everything there is in the cloud. Tests and the demo change any of it at any time, see [`super::Cloud::edit`].
pub struct State {
    /// By access key id.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// What can be listed, by name: the built-in products, and those that a test adds.
    pub products: BTreeMap<String, Arc<Product>>,
    /// By region id.
    pub regions: BTreeMap<String, Region>,
    /// The resources of the products that have no regions.
    pub global: Region,
    /// The rights that the caller lacks, for example `hbase:ListTagResources`.
    pub denied: BTreeSet<String>,
    pub sts: Sts,
    pub limits: Limits,
    /// How far the cloud's clock is ahead of this machine's.
    pub clock_offset: SignedDuration,
    /// Tried in order; the first that fits a request is used for it.
    pub faults: Vec<FaultRule>,
    /// Keep whole requests in the log, with keys, tokens and signatures.
    pub record: bool,
    pub log: RequestLog,
    pub after_request: Option<AfterRequest>,
    /// Requests that are being answered, and the most that ever were at once.
    pub in_flight: usize,
    pub most_in_flight: usize,
    pub(super) nonces: Nonces,
    /// How many requests were answered so far.
    pub(super) answered: u64,
}

/// A region and the resources in it.
#[derive(Clone, Debug, Default)]
pub struct Region {
    pub local_name: String,
    /// Of HBase, which tells it in its region listing.
    pub endpoint: String,
    /// By product.
    pub resources: BTreeMap<String, Resources>,
}

/// How much one request may ask for and one answer holds, instead of what the products' descriptions say.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Of the resource listings.
    pub max_page_size: Option<usize>,
    /// Of the resource listings.
    pub default_page_size: Option<usize>,
    /// Rows in one answer of a tag listing.
    pub tag_rows: Option<usize>,
    /// Ids in one request.
    pub max_resource_ids: Option<usize>,
    /// Tags in one request, 20 unless set.
    pub max_tags: Option<usize>,
}

impl State {
    /// A healthy cloud with these regions, and no access key yet.
    pub fn new<'a>(regions: impl IntoIterator<Item = (&'a str, Region)>) -> Self {
        let regions = regions.into_iter().map(|(id, region)| (id.to_owned(), region)).collect();
        Self { regions, ..Self::default() }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            access_keys: BTreeMap::new(),
            products: product::products(),
            regions: BTreeMap::new(),
            global: Region::default(),
            denied: BTreeSet::new(),
            sts: Sts::default(),
            limits: Limits::default(),
            clock_offset: SignedDuration::ZERO,
            faults: Vec::new(),
            record: false,
            log: RequestLog::default(),
            after_request: None,
            in_flight: 0,
            most_in_flight: 0,
            nonces: Nonces::default(),
            answered: 0,
        }
    }
}

impl Region {
    /// A region with these HBase clusters and HBase's central endpoint.
    pub fn new(local_name: &str, clusters: impl IntoIterator<Item = Resource>) -> Self {
        Self {
            local_name: local_name.to_owned(),
            endpoint: "hbase.aliyuncs.com".to_owned(),
            resources: BTreeMap::from([("hbase".to_owned(), clusters.into_iter().collect())]),
        }
    }

    /// The resources of a product, which may have none.
    pub fn of(&self, product: &str) -> &Resources {
        static NONE: LazyLock<Resources> = LazyLock::new(Resources::default);
        self.resources.get(product).unwrap_or(&NONE)
    }

    pub fn of_mut(&mut self, product: &str) -> &mut Resources {
        self.resources.entry(product.to_owned()).or_default()
    }
}
