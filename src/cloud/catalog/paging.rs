//! How a listing is cut into pages.

use serde::Deserialize;

use super::Path;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "style", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Paging {
    /// Pages by number; the answer has the number of all resources at `total`.
    PageNumber {
        page_size: usize,
        total: Path,
        #[serde(default = "page_number")]
        number_parameter: String,
        #[serde(default = "page_size")]
        size_parameter: String,
        /// The only sizes that are taken, where not all are.
        #[serde(default)]
        allowed_sizes: Vec<usize>,
    },
    /// `NextToken`, until the answer has none; `total` only where it counts all resources.
    NextToken {
        max_results: usize,
        total: Option<Path>,
        #[serde(default = "max_results")]
        size_parameter: String,
        smaller: Option<Smaller>,
    },
    /// Everything is in one answer.
    None {},
}

/// Smaller pages, once the cloud has refused the usual ones.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smaller {
    pub max_results: usize,
    /// The error codes that refuse a page as too large.
    pub after: Vec<String>,
}

impl Paging {
    /// Where an answer has the number of all resources.
    pub fn total(&self) -> Option<&Path> {
        match self {
            Self::PageNumber { total, .. } => Some(total),
            Self::NextToken { total, .. } => total.as_ref(),
            Self::None {} => None,
        }
    }

    pub fn smaller(&self) -> Option<&Smaller> {
        match self {
            Self::NextToken { smaller, .. } => smaller.as_ref(),
            Self::PageNumber { .. } | Self::None {} => None,
        }
    }
}

fn page_number() -> String {
    "PageNumber".to_owned()
}

fn page_size() -> String {
    "PageSize".to_owned()
}

fn max_results() -> String {
    "MaxResults".to_owned()
}
