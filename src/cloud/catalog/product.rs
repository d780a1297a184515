//! One product: what it is called, and how its resources and their tags are listed.

use std::sync::Arc;

use serde::Deserialize;

use super::{Api, Parameters, ResourceListing, StatusCall, TagListing};

/// `A` is the name of the API in a file, and the API itself in a catalog.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product<A = Arc<Api>> {
    /// The user's word for it, e.g. `ecs-instance`.
    pub name: String,
    pub api: A,
    /// The API whose regions these are, where it is another one.
    #[serde(skip)]
    pub regions_of: Option<Arc<Api>>,
    /// Resource Center's name for the type of the resources.
    pub resource_type: String,
    /// Terraform's names for it, by which people may ask for it.
    #[serde(default)]
    pub terraform: Vec<String>,
    /// Statuses of resources on their way out: rules do not apply to them by default.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// Where tags are taken from under `tag_source = "auto"`, for products that have both.
    #[serde(default)]
    pub tags_from: TagsFrom,
    /// The permissions that are needed, where they are not the prefix with each action.
    pub ram_actions: Option<Vec<String>>,
    /// Facts about it without a source, and what is done about each. Documentation only.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// What must be so before a listing says anything.
    pub ready: Option<StatusCall>,
    pub resources: ResourceListing,
    pub tags: Option<TagListing>,
    /// How a tag is set, for the commands that people are shown. Never called.
    pub fix: Option<Fix>,
}

/// Where the tags of resources stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagsFrom {
    #[default]
    ListTagResources,
    Inline,
}

/// The operation that sets a tag of a resource.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    pub action: String,
    #[serde(default)]
    pub parameters: Parameters,
    pub id_parameter: String,
    pub key_parameter: String,
    pub value_parameter: String,
}

impl<A> Product<A> {
    pub(super) fn linked(self, api: Arc<Api>, regions_of: Option<Arc<Api>>) -> Product {
        let Self { name, resource_type, terraform, leaving, tags_from, ram_actions, .. } = self;
        let Self { unverified, ready, resources, tags, fix, .. } = self;
        Product {
            name,
            api,
            regions_of,
            resource_type,
            terraform,
            leaving,
            tags_from,
            ram_actions,
            unverified,
            ready,
            resources,
            tags,
            fix,
        }
    }

    /// Every set of parameters beside those of a lookup, with its key path.
    pub(super) fn parameters(&self) -> Vec<(String, &Parameters)> {
        let Self { resources, tags, ready, .. } = self;
        let variants = resources.variants.iter().enumerate();
        let mut all: Vec<_> =
            variants.map(|(index, variant)| (format!("resources.variants[{index}]"), variant)).collect();
        let mut add = |path: &str, parameters| all.push((path.to_owned(), parameters));
        add("resources.parameters", &resources.parameters);
        if let Some(probe) = &resources.permission_probe {
            add("resources.permission_probe.parameters", &probe.parameters);
        }
        if let Some(ready) = ready {
            add("ready.parameters", &ready.parameters);
        }
        if let Some(tags) = tags {
            add("tags.parameters", &tags.parameters);
        }
        all
    }

    /// The operations that list it.
    pub(super) fn listing_actions(&self) -> impl Iterator<Item = &str> {
        let ready = self.ready.as_ref().map(|ready| ready.action.as_str());
        let tags = self.tags.as_ref().map(|tags| tags.action.as_str());
        ready.into_iter().chain([self.resources.action.as_str()]).chain(tags)
    }
}

impl Product {
    /// Every operation of its API that is called for it.
    pub fn actions(&self) -> Vec<&str> {
        let regions = self.api.regions.as_ref().map(|regions| regions.action.as_str());
        self.listing_actions().chain(regions).collect()
    }

    /// Every RAM permission that it needs.
    pub fn permissions(&self) -> Vec<String> {
        let derived = || self.actions().into_iter().map(|action| self.derived(action)).collect();
        self.ram_actions.clone().unwrap_or_else(derived)
    }

    /// Those without the ones for tags that are read elsewhere, and for regions that are not asked for.
    pub fn least_permissions(&self, tags: TagsFrom, finds_regions: bool) -> Vec<String> {
        let tag_action = self.tags.as_ref().filter(|_| tags == TagsFrom::Inline).map(|tags| &tags.action);
        let regions = self.regions_api().regions.as_ref().filter(|_| !finds_regions);
        let unneeded: Vec<_> = tag_action.into_iter().chain(regions.map(|regions| &regions.action)).collect();
        let is_for = |permission: &str, action: &str| permission.rsplit(':').next() == Some(action);
        let mut permissions = self.permissions();
        permissions.retain(|permission| !unneeded.iter().any(|action| is_for(permission, action)));
        permissions
    }

    /// The RAM permission for `action`, where it is not the prefix with the action.
    pub fn permission(&self, action: &str) -> Option<String> {
        let listed = self.ram_actions.as_ref()?;
        if listed.contains(&self.derived(action)) || !self.actions().contains(&action) {
            return None;
        }
        let derived: Vec<_> = self.actions().into_iter().map(|action| self.derived(action)).collect();
        let others: Vec<_> = listed.iter().filter(|listed| !derived.contains(listed)).cloned().collect();
        (!others.is_empty()).then(|| others.join(" or "))
    }

    /// Where tags are taken from, unless the configuration wants it otherwise and there is a choice.
    pub fn tags_from(&self, wanted: Option<TagsFrom>) -> TagsFrom {
        match (&self.tags, &self.resources.inline_tags) {
            (None, _) => TagsFrom::Inline,
            (Some(_), None) => TagsFrom::ListTagResources,
            (Some(_), Some(_)) => wanted.unwrap_or(self.tags_from),
        }
    }

    /// The API that lists its regions.
    pub fn regions_api(&self) -> &Arc<Api> {
        self.regions_of.as_ref().unwrap_or(&self.api)
    }

    fn derived(&self, action: &str) -> String {
        format!("{}:{action}", self.api.ram_prefix())
    }
}
