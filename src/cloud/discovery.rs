//! One target → every resource with its tags.
//!
//! The resource listing is the denominator: a tag listing never names an untagged resource. Page-number listings
//! shift while they are read, so a listing counts only when it agrees with itself, and a resource only counts as
//! gone, or as untagged, when a second answer says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use globset::GlobSet;
use serde::Deserialize;

use crate::cloud::api::ApiError;
use crate::cloud::catalog::{Parameters, Product, TagsFrom, filled};
use crate::cloud::client::Client;
use crate::inventory::{Failure, Interner, Listing, Reason, Resource, Tags};

mod batches;
mod budget;
#[doc(hidden)]
pub mod decode;
mod inline;
mod join;
mod lookup;
mod paging;
mod preconditions;
mod regions;
mod resources;
mod tags;

use budget::Budget;
use decode::Described;
pub use regions::{FoundRegion, regions};

/// Where the tags of a target are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagSource {
    /// The catalog's choice for each product.
    #[default]
    Auto,
    /// The product's `ListTagResources`, with the resource listing's tags as a cross-check.
    ListTagResources,
    /// The tags in the resource listing: half the requests.
    Inline,
}

impl TagSource {
    /// Where the tags of `product` come from: a choice counts for products that have both sources.
    pub fn of(self, product: &Product) -> TagsFrom {
        product.tags_from(match self {
            Self::Auto => None,
            Self::ListTagResources => Some(TagsFrom::ListTagResources),
            Self::Inline => Some(TagsFrom::Inline),
        })
    }
}

/// Lists one target.
pub struct Lister {
    pub client: Client,
    pub product: Arc<Product>,
    pub tag_source: TagSource,
    /// Keys of system tags.
    pub system_keys: Arc<GlobSet>,
    /// Starts as the catalog's value, and shrinks when the cloud says that it is too much.
    pub ids_per_request: usize,
    /// The rows of a page, once the cloud has refused the catalog's value.
    pub page_size: Option<usize>,
    /// What the current collection has read.
    budget: Budget,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{0}; grant it, or set tag_source = \"inline\" for the account")]
    TagsDenied(ApiError),
    #[error("{action} in {region} is inconsistent: {problem}")]
    Inconsistent { action: String, region: String, problem: String },
    #[error("{action} in {region} {problem}")]
    TooLarge { action: String, region: String, problem: String },
    #[error("{action} in {region} reports that the service is not ready: {problem}")]
    NotReady { action: String, region: String, problem: String },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = match &error {
            Error::Api(error) | Error::TagsDenied(error) => error.reason(),
            Error::Inconsistent { .. } => Reason::Inconsistent,
            Error::NotReady { .. } => Reason::NotReady,
            Error::TooLarge { .. } => Reason::TooLarge,
        };
        Self { reason, message: error.to_string() }
    }
}

/// What the resource listing tells, by id.
type Rows = BTreeMap<Arc<str>, Described>;
type Ids = BTreeSet<Arc<str>>;

/// What the listing and the lookups say of the resources.
struct Evidence {
    rows: Rows,
    /// How many more the cloud counts than are listed, where it gives a usable count.
    difference: Option<i64>,
    /// The known ones that a lookup proved gone.
    gone: Ids,
    /// A second listing, as long as its count, lacks the other missing ones too.
    is_confirmed: bool,
}

/// The known resource `id`.
fn known<'a>(previous: &'a [Resource], id: &Arc<str>) -> Option<&'a Resource> {
    previous.binary_search_by(|resource| resource.id.cmp(id)).ok().map(|found| &previous[found])
}

impl Lister {
    pub fn new(client: Client, tag_source: TagSource, system_keys: Arc<GlobSet>) -> Self {
        let product = Arc::clone(&client.product);
        let ids_per_request = product.tags.as_ref().map_or(0, |tags| tags.ids_per_request);
        Self {
            client,
            product,
            tag_source,
            system_keys,
            ids_per_request,
            page_size: None,
            budget: Budget::default(),
        }
    }

    /// What the cloud says of the target now. `previous` are the known resources, and are given back where nothing is
    /// new.
    pub async fn list(&mut self, previous: &Arc<[Resource]>) -> Result<Listing, Error> {
        let interner = Interner::seeded(previous);
        let product = Arc::clone(&self.product);
        self.budget = Budget::default();
        self.ready().await?;
        let Evidence { mut rows, difference, mut gone, is_confirmed } =
            self.resources(previous, &interner).await?;
        let read = match (self.tag_source.of(&product), &product.tags) {
            (TagsFrom::ListTagResources, Some(listing)) => {
                self.tags(listing, &mut rows, previous, &interner).await?
            }
            _ => self.inline_tags(&mut rows, previous, &interner).await?,
        };
        gone.extend(read.gone);
        for id in &read.unreadable {
            tracing::debug!(
                "the tags of {id:?} cannot be read, or the answers about them contradict each other"
            );
        }
        let mut resources = join::join(rows, read.tags, &self.system_keys, &interner);
        if resources == *previous {
            resources = Arc::clone(previous);
        }
        Ok(Listing { resources, difference, gone, is_confirmed, unreadable: read.unreadable })
    }

    /// Whether a user gave one of these tags.
    fn has_user_tags(&self, tags: &Tags) -> bool {
        tags.iter().any(|(key, _)| !self.system_keys.is_match(&**key))
    }

    fn inconsistent(&self, action: &str, problem: impl Into<String>) -> Error {
        Error::Inconsistent {
            action: action.to_owned(),
            region: self.client.region.clone(),
            problem: problem.into(),
        }
    }

    /// All of `of`, the later before the earlier, with their placeholders filled.
    fn parameters<const N: usize>(&self, of: [&Parameters; N], id: Option<&str>) -> Parameters {
        let all = of.into_iter().flatten();
        all.map(|(name, value)| (name.clone(), filled(value, &self.client.region, id))).collect()
    }
}
