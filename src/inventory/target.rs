//! What is listed: one product in one region for one account.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The unit that is listed, fails, and goes stale on its own. Sorted by account, region, product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub account: Arc<str>,
    pub region_id: Arc<str>,
    pub product: Arc<str>,
}

impl Target {
    pub fn new(account: &str, region_id: &str, product: &str) -> Self {
        Self { account: account.into(), region_id: region_id.into(), product: product.into() }
    }

    /// What the regions of this target are discovered for.
    pub fn scope(&self) -> Scope {
        Scope { account: Arc::clone(&self.account), product: Arc::clone(&self.product) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account, self.region_id, self.product)
    }
}

/// One product in one account: what regions are discovered for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub account: Arc<str>,
    pub product: Arc<str>,
}

impl Scope {
    pub fn new(account: &str, product: &str) -> Self {
        Self { account: account.into(), product: product.into() }
    }

    pub fn covers(&self, target: &Target) -> bool {
        (&self.account, &self.product) == (&target.account, &target.product)
    }

    pub fn target(&self, region_id: &Arc<str>) -> Target {
        let Self { account, product } = self.clone();
        Target { account, region_id: Arc::clone(region_id), product }
    }
}

/// Which targets to return; `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TargetFilter {
    pub account: Option<String>,
    pub region_id: Option<String>,
    pub product: Option<String>,
}

impl TargetFilter {
    pub fn covers(&self, target: &Target) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.account, &target.account)
            && fits(&self.region_id, &target.region_id)
            && fits(&self.product, &target.product)
    }

    /// Whether it matches every target.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}
