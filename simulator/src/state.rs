//! What the simulated cloud holds.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::access_key::AccessKey;
use super::clusters::{Cluster, Clusters};
use super::fault::FaultRule;
use super::log::{Answered, RequestLog};
use super::signature::Nonces;
use super::sts::Sts;

/// Looks at the request that was just answered, and may change the cloud before the next one.
///
/// The request is not in the log yet, and the hook not in [`State::after_request`]; what it puts there replaces it.
pub type AfterRequest = Box<dyn FnMut(&mut State, &Answered) + Send>;

/// Everything there is in the cloud. Tests and the demo change any of it at any time, see [`super::Cloud::edit`].
#[derive(Default)]
pub struct State {
    /// By access key id.
    pub access_keys: BTreeMap<String, AccessKey>,
    /// By region id.
    pub regions: BTreeMap<String, Region>,
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

/// A region and the clusters in it.
#[derive(Clone, Debug, Default)]
pub struct Region {
    pub local_name: String,
    /// `RegionEndpoint` in DescribeRegions.
    pub endpoint: String,
    pub clusters: Clusters,
}

/// How much one request may ask for and one answer holds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Documented: <https://www.alibabacloud.com/help/doc-detail/144595.htm>.
    pub max_page_size: usize,
    /// Documented, same page.
    pub default_page_size: usize,
    /// Rows in one answer of ListTagResources. HBase documents none; this is small so that paging is exercised.
    pub tag_rows: usize,
    /// `ResourceId.N` in one ListTagResources. HBase documents none; 50 is the limit of ECS, RDS, NAS and KMS.
    pub max_resource_ids: usize,
    /// `Tag.N` in one request. HBase documents none; 20 is the limit of NAS and KMS.
    pub max_tags: usize,
}

impl State {
    /// A healthy cloud with these regions, and no access key yet.
    pub fn new<'a>(regions: impl IntoIterator<Item = (&'a str, Region)>) -> Self {
        let regions = regions.into_iter().map(|(id, region)| (id.to_owned(), region)).collect();
        Self { regions, ..Self::default() }
    }
}

impl Region {
    /// A region with these clusters and the product's central endpoint.
    pub fn new(local_name: &str, clusters: impl IntoIterator<Item = Cluster>) -> Self {
        Self {
            local_name: local_name.to_owned(),
            endpoint: "hbase.aliyuncs.com".to_owned(),
            clusters: clusters.into_iter().collect(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_page_size: 100, default_page_size: 10, tag_rows: 20, max_resource_ids: 50, max_tags: 20 }
    }
}
