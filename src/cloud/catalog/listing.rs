//! The operations that list resources and tags.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Paging, Parameters, Path};

/// The operation that lists every resource, tagged or not.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceListing {
    pub action: String,
    /// Sent with each request; `{region}` in a value is replaced.
    #[serde(default)]
    pub parameters: Parameters,
    /// Further parameters of listings that are complete only together; each has a count of its own.
    #[serde(default)]
    pub variants: Vec<Parameters>,
    pub paging: Paging,
    /// Where the rows stand in an answer.
    pub items: Path,
    /// Where a row's fields stand; the first that is there counts.
    pub id: Vec<Path>,
    pub name: Vec<Path>,
    pub status: Vec<Path>,
    pub resource_group_id: Vec<Path>,
    pub created_at: Vec<Path>,
    #[serde(default)]
    pub created_as: CreatedAs,
    /// Where a row names its region, which is compared with the one that was asked for.
    #[serde(default)]
    pub region: Vec<Path>,
    /// Where a row's tags stand, for products that have them there.
    pub inline_tags: Option<Path>,
    #[serde(default)]
    pub inline_tags_as: TagsAs,
    pub lookup: Option<Lookup>,
    /// For operations that answer an empty list to callers without the permission.
    pub permission_probe: Option<Probe>,
}

/// How a row writes its creation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreatedAs {
    /// With a zone; a local time is unknown.
    #[default]
    Rfc3339,
    EpochS,
    EpochMs,
}

/// How a row writes its tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsAs {
    /// Of objects with a key and a value.
    #[default]
    List,
    /// Of keys to values.
    Map,
}

/// How the listing is asked for one id.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Beside those of the listing; `{id}` in a value is replaced.
    pub parameters: Parameters,
    /// The error codes that say that the id is not there.
    #[serde(default)]
    pub not_found: Vec<String>,
    /// Where a row says that the resource is deleted. Where this is given, an answer without the row proves nothing.
    pub deleted: Option<Path>,
}

/// A request whose refusal with `granted` shows that the caller has the permission.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Beside those of the listing.
    pub parameters: Parameters,
    pub granted: String,
}

/// An operation whose answer must have these values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusCall {
    pub action: String,
    #[serde(default)]
    pub parameters: Parameters,
    /// By the paths at which they stand.
    pub expect: BTreeMap<Path, String>,
}

/// The operation that lists the tags of given resources, always paged by `NextToken`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagListing {
    pub action: String,
    /// Sent with each request, e.g. `ResourceType` or the size of a page; `{region}` in a value is replaced.
    #[serde(default)]
    pub parameters: Parameters,
    pub items: Path,
    /// Where a row that is a whole resource has its tags; otherwise each row is one tag.
    pub nested: Option<Path>,
    /// Asks for the ids as `ResourceId.1`, `ResourceId.2`, …
    #[serde(default = "resource_id")]
    pub id_parameter: String,
    /// The most ids in one request.
    pub ids_per_request: usize,
    /// The error codes that say that there were too many, beside `NumberExceed`.
    #[serde(default)]
    pub too_many: Vec<String>,
    /// The error codes that refuse all ids because of one that is not there.
    #[serde(default)]
    pub not_found: Vec<String>,
    /// A token that ends the listing as none does.
    pub last_token: Option<String>,
}

impl ResourceListing {
    /// Further parameters of each listing that is needed, one without any where there are no variants.
    pub fn variants(&self) -> Vec<Parameters> {
        match self.variants.as_slice() {
            [] => vec![Parameters::new()],
            variants => variants.to_vec(),
        }
    }
}

fn resource_id() -> String {
    "ResourceId".to_owned()
}
