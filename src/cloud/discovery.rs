//! One target → every resource with its tags.
//!
//! The resource listing is the denominator: a tag listing never names an untagged resource. Page-number listings
//! shift while they are read, so a listing counts only when it agrees with itself, and a resource only counts as
//! gone, or as untagged, when a second answer says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::GlobSet;
use serde::Deserialize;

use crate::cloud::api::ApiError;
use crate::cloud::catalog::Product;
use crate::cloud::client::Client;
use crate::inventory::{Failure, Interner, Listing, Reason, Resource};

#[doc(hidden)]
pub mod decode;
mod join;
mod paging;
mod regions;
mod resources;
mod tags;

use decode::Described;
pub use regions::{FoundRegion, regions};

/// Where the tags of a target are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagSource {
    /// The product's `ListTagResources`, with the resource listing's tags as a cross-check.
    #[default]
    ListTagResources,
    /// The tags in the resource listing: half the requests.
    Inline,
}

/// Lists one target.
pub struct Lister {
    pub client: Client,
    pub product: &'static Product,
    pub tag_source: TagSource,
    /// Keys of tags that are no user tags.
    pub system_keys: Arc<GlobSet>,
    /// Starts as the catalog's value, and shrinks when the cloud says that it is too much.
    pub ids_per_request: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{0}; grant it, or set tag_source = \"inline\" for the account")]
    TagsDenied(ApiError),
    #[error("{action} in {region} contradicts itself: {problem}")]
    Inconsistent { action: String, region: String, problem: String },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = match &error {
            Error::Api(error) | Error::TagsDenied(error) => error.reason(),
            Error::Inconsistent { .. } => Reason::Inconsistent,
        };
        Self { reason, message: error.to_string() }
    }
}

/// What the resource listing tells, by id.
type Rows = BTreeMap<Arc<str>, Described>;

impl Lister {
    /// Every resource of the target with its tags. `previous` is the last listing that worked, and is given back
    /// where nothing is new.
    pub async fn list(&mut self, previous: &Arc<[Resource]>) -> Result<Listing, Error> {
        let interner = Interner::seeded(previous);
        let (mut rows, count_mismatch) = self.resources(previous, &interner).await?;
        let tags = match self.tag_source {
            TagSource::ListTagResources => self.tags(&mut rows, &interner).await?,
            TagSource::Inline => join::inline_tags(&mut rows),
        };
        let mut resources = join::join(rows, tags, &self.system_keys, &interner);
        if resources == *previous {
            resources = Arc::clone(previous);
        }
        Ok(Listing { resources, count_mismatch })
    }

    fn inconsistent(&self, action: &str, problem: impl Into<String>) -> Error {
        Error::Inconsistent {
            action: action.to_owned(),
            region: self.client.region.clone(),
            problem: problem.into(),
        }
    }

    fn parameters(&self, fixed: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let filled = |value: &String| value.replace("{region}", &self.client.region);
        fixed.iter().map(|(name, value)| (name.clone(), filled(value))).collect()
    }
}
