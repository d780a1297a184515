//! What is asked of resources, ready to be judged by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use globset::GlobSet;
use regex::Regex;

use super::exemptions::{Exemptions, fits};
use crate::inventory::{Resource, Tags, Target};

/// All rules, and what is exempt from them.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Of a key that stands in several rules, the first that applies to a resource counts.
    pub required_tags: Vec<RequiredTag>,
    pub forbidden_tags: Vec<ForbiddenTag>,
    /// Maximum number of tags per resource.
    pub max_tags: Option<usize>,
    /// The first that fits a violation, and has not ended, counts.
    pub exemptions: Exemptions,
    /// From a resource's creation.
    pub grace_period: Duration,
    /// By product: the statuses of resources on their way out, to which rules without a status do not apply.
    pub leaving: BTreeMap<Arc<str>, Vec<String>>,
}

/// A key that must be there, with a value that is not empty.
#[derive(Debug, Clone)]
pub struct RequiredTag {
    pub key: Arc<str>,
    /// Other spellings of the key: the first that is there counts.
    pub aliases: Vec<Arc<str>>,
    /// Values that are allowed; none = all.
    pub values: Vec<String>,
    /// What the whole value must look like.
    pub pattern: Option<Regex>,
    pub applies_to: Scope,
}

/// Tags that must not be there.
#[derive(Debug, Clone)]
pub struct ForbiddenTag {
    /// The glob over keys as it was written: the name of the rule.
    pub written: Arc<str>,
    pub key: GlobSet,
    pub value: GlobSet,
}

/// Some resources, by globs; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub accounts: Option<GlobSet>,
    pub regions: Option<GlobSet>,
    pub products: Option<GlobSet>,
    pub resource_groups: Option<GlobSet>,
    pub name: Option<GlobSet>,
    /// `None` = every status but the leaving ones of the product.
    pub status: Option<GlobSet>,
}

impl RequiredTag {
    /// A rule that asks for `key` of every resource, with any value.
    pub fn of(key: &str) -> Self {
        let (aliases, values, applies_to) = (Vec::new(), Vec::new(), Scope::default());
        Self { key: key.into(), aliases, values, pattern: None, applies_to }
    }

    /// The value that counts: that of the first spelling that is there.
    pub fn value<'a>(&self, tags: &'a Tags) -> Option<&'a str> {
        self.spellings().find_map(|key| tags.get(key))
    }

    /// The key, then its aliases.
    pub fn spellings(&self) -> impl Iterator<Item = &Arc<str>> {
        [&self.key].into_iter().chain(&self.aliases)
    }

    pub fn allows(&self, value: &str) -> bool {
        let listed = self.values.is_empty() || self.values.iter().any(|allowed| allowed == value);
        listed && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
    }
}

impl ForbiddenTag {
    pub fn is_broken_by(&self, tags: &Tags) -> bool {
        tags.iter().any(|(key, value)| self.key.is_match(&**key) && self.value.is_match(&**value))
    }
}

impl Scope {
    /// Whether it holds for some resource of `target`.
    pub fn covers(&self, target: &Target) -> bool {
        fits(&self.accounts, &target.account)
            && fits(&self.regions, &target.region_id)
            && fits(&self.products, &target.product)
    }

    /// Whether it holds for a resource of a target that it covers, which may be `leaving`.
    pub fn holds(&self, resource: &Resource, leaving: bool) -> bool {
        let status = match &self.status {
            Some(globs) => globs.is_match(&*resource.status),
            None => !leaving,
        };
        status && fits(&self.resource_groups, &resource.resource_group_id) && fits(&self.name, &resource.name)
    }
}
