//! What is written about a product in its `description.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::paging::Paging;
use super::refusal::{Refusal, Refusals};

/// A product's API, as the vendor's pages describe it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// The vendor's pages that say so.
    pub sources: Vec<String>,
    /// The API's code. Its rights begin with it, unless `ram` says otherwise.
    pub api: String,
    pub version: String,
    pub ram: Option<String>,
    /// The resources stand in no region, and no request names one.
    #[serde(default)]
    pub global: bool,
    #[serde(default)]
    pub errors: Refusals,
    #[serde(default)]
    pub variants: Variants,
    pub resources: ListingDescription,
    pub tags: Option<ListingDescription>,
    pub regions: Option<ListingDescription>,
    /// Every pair of key and value once, without the resources that carry it.
    pub tag_pairs: Option<ListingDescription>,
    /// Whether the service is ready; always answered as in the example.
    pub status: Option<StatusDescription>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusDescription {
    pub action: String,
}

/// The kinds of resources that one listing tells apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Variants {
    /// By the first signs of the id.
    pub prefixes: BTreeMap<String, String>,
    pub otherwise: String,
}

/// One operation: what it is asked, and how its answer looks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListingDescription {
    pub action: String,
    /// Where the right is not called like the action.
    pub right: Option<String>,
    #[serde(default)]
    pub region: RegionFrom,
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    pub filter: Option<FilterList>,
    /// The word before `.1.Key` and `.1.Value`, where tags can be asked for.
    pub tag_filter: Option<String>,
    /// At least one id or tag must be named.
    #[serde(default)]
    pub needs_ids_or_tags: bool,
    #[serde(default)]
    pub paging: Paging,
    /// Where the rows stand in the answer, as `Instances.Instance`.
    pub rows: String,
    /// What stands where in a row, as `InstanceId = "{id}"`. The other fields are those of the example.
    pub row: BTreeMap<String, String>,
    pub tags: Option<NestedTags>,
    /// The zone of the times in the rows.
    #[serde(default)]
    pub utc_offset_hours: i8,
    /// Who lacks the right gets an empty list and no error.
    #[serde(default)]
    pub denied_is_empty: bool,
    pub dry_run: Option<DryRun>,
}

/// Where the region of a request stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RegionFrom {
    /// In the required parameter `RegionId`.
    #[default]
    Parameter,
    /// In the name of the host.
    Host,
    /// In a parameter or filter that `is = "region"`; all regions without it.
    Filter,
}

/// A list of tags inside a row; a map where there is no `key`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NestedTags {
    pub at: String,
    pub key: Option<String>,
    pub value: Option<String>,
}

/// What `DryRun=true` answers; always an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRun {
    pub permitted: Refusal,
    pub denied: Refusal,
}

/// A parameter of the operation, or a key of its filter.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameter {
    pub is: Meaning,
    #[serde(rename = "as")]
    pub form: Form,
    pub required: bool,
    /// The only values that are allowed; any where there are none.
    pub values: Vec<String>,
    /// The value when the parameter is absent.
    pub default: Option<String>,
    /// The greatest number of values.
    pub max: Option<usize>,
    /// Which variants a value lists, where that is not the variant of its name.
    pub lists: BTreeMap<String, Vec<String>>,
    /// The parameter and its value with which an id must match as a whole; else any part of it does.
    pub exact_with: Option<(String, String)>,
    /// What an id that nobody has is answered with; an empty list where it is absent.
    pub unknown: Option<Refusal>,
    /// Where there are more than `max` values.
    pub too_many: Option<Refusal>,
    /// Where the value is not allowed.
    pub invalid: Option<Refusal>,
}

/// What a parameter narrows the listing by.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Meaning {
    /// Nothing: its value is checked, and that is all.
    #[default]
    Nothing,
    Id,
    Name,
    Region,
    ResourceGroup,
    Variant,
    /// `true` shows the tags in the rows.
    ShowTags,
    DryRun,
}

/// How the values of a parameter are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    #[default]
    Plain,
    /// `["i-1","i-2"]`
    JsonArray,
    /// `InstanceId.1`, `InstanceId.2`
    Numbered,
    /// `vpc-1,vpc-2`
    Comma,
}

/// `Filter.1.Key`, `Filter.1.Value.1`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterList {
    /// The only `Filter.1.MatchType`; where it is absent, filters have none.
    pub match_type: Option<String>,
    pub keys: BTreeMap<String, Parameter>,
}
