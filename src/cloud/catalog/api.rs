//! One API of the cloud, shared by the products that it lists: one `api/<name>.toml` each.

use serde::Deserialize;

use super::{Parameters, Path};
use crate::cloud::api::endpoint::Endpoints;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The name of its file, by which products refer to it. Two versions of one API have two files.
    #[serde(skip)]
    pub name: String,
    /// As in host names and metrics, e.g. `r-kvstore`.
    pub code: String,
    /// A date.
    pub version: String,
    /// Our pace for one region and account, when the configuration gives none.
    pub requests_per_second: f64,
    /// As in RAM policies, e.g. `kvstore`; the code where it is left out.
    pub ram_prefix: Option<String>,
    #[serde(default)]
    pub scope: Scope,
    /// Left out where the API lists no regions: then `endpoints.regions` are all of them.
    pub regions: Option<RegionListing>,
    /// The API whose regions these are, for one that neither lists nor names its own.
    pub regions_of: Option<String>,
    pub endpoints: Endpoints,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Each region is asked for its own resources.
    #[default]
    Regional,
    /// One request answers for all regions.
    Global,
}

/// The operation that lists the regions in which the API is offered. It is not paged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionListing {
    pub action: String,
    /// Sent with each request.
    #[serde(default)]
    pub parameters: Parameters,
    /// The region whose host is asked; the answer is the same everywhere.
    pub ask_in: String,
    pub items: Path,
    pub id: Path,
    /// Where a row names the region's host.
    pub endpoint: Option<Path>,
}

impl Api {
    pub fn ram_prefix(&self) -> &str {
        self.ram_prefix.as_deref().unwrap_or(&self.code)
    }

    pub fn is_global(&self) -> bool {
        self.scope == Scope::Global
    }
}
