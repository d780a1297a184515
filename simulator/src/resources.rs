//! The resources of one product in one region, in the order in which they are listed.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// A resource. Its id never changes.
#[derive(Clone, Debug)]
pub struct Resource {
    id: String,
    pub name: String,
    /// An open set of the product's own words, or the digits of its numbers.
    pub status: String,
    /// In RFC 3339, for example `2019-09-12T14:40:46Z`; the listing writes it as the product does. Any other text is
    /// shown as it stands here.
    pub created: String,
    pub resource_group_id: String,
    pub tags: BTreeMap<String, String>,
    /// What the resource listing shows instead of `tags`, where the two listings are to disagree.
    pub inline_tags: Option<BTreeMap<String, String>>,
    /// Which kind of the product's resources it is; without one, what the product's description says.
    pub variant: Option<String>,
    /// Further fields of its row, by dotted path; they replace those of the vendor's example.
    pub extra: BTreeMap<String, Value>,
}

/// Resources in listing order: new ones come last. An id occurs once.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    listed: Vec<Resource>,
    positions: HashMap<String, usize>,
}

impl Resource {
    /// A resource from 2024 with its id as its name, in the default resource group, without tags. Its status is that of
    /// an HBase cluster that runs.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            status: "ACTIVATION".to_owned(),
            created: "2024-01-02T03:04:05Z".to_owned(),
            resource_group_id: "rg-default".to_owned(),
            tags: BTreeMap::new(),
            inline_tags: None,
            variant: None,
            extra: BTreeMap::new(),
        }
    }

    /// The same resource with these tags beside those it has.
    #[must_use]
    pub fn with_tags<K: Into<String>, V: Into<String>>(
        mut self,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.tags.extend(tags.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tags in the resource listing.
    pub fn shown_inline(&self) -> &BTreeMap<String, String> {
        self.inline_tags.as_ref().unwrap_or(&self.tags)
    }
}

impl Resources {
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.listed.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.listed.iter_mut()
    }

    pub fn get(&self, id: &str) -> Option<&Resource> {
        self.listed.get(*self.positions.get(id)?)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Resource> {
        self.listed.get_mut(*self.positions.get(id)?)
    }

    /// Puts a resource at the end, or in the place of the one that has its id.
    pub fn insert(&mut self, resource: Resource) {
        match self.get_mut(resource.id()) {
            Some(present) => *present = resource,
            None => {
                self.positions.insert(resource.id.clone(), self.listed.len());
                self.listed.push(resource);
            }
        }
    }

    /// Takes a resource out; those behind it move up by one.
    pub fn remove(&mut self, id: &str) -> Option<Resource> {
        let position = self.positions.remove(id)?;
        let removed = self.listed.remove(position);
        for (position, resource) in self.listed.iter().enumerate().skip(position) {
            self.positions.insert(resource.id.clone(), position);
        }
        Some(removed)
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        let mut all = Self::default();
        resources.into_iter().for_each(|resource| all.insert(resource));
        all
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = &'a Resource;
    type IntoIter = std::slice::Iter<'a, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(resources: &Resources) -> Vec<&str> {
        resources.iter().map(Resource::id).collect()
    }

    #[test]
    fn a_removed_resource_leaves_the_others_in_order_and_within_reach() {
        let mut resources: Resources = ["hb-1", "hb-2", "hb-3"].map(Resource::new).into_iter().collect();
        assert_eq!(resources.remove("hb-1").unwrap().id(), "hb-1");
        assert!(resources.remove("hb-1").is_none());
        assert_eq!(ids(&resources), ["hb-2", "hb-3"]);
        assert_eq!(resources.get("hb-3").unwrap().id(), "hb-3");
        resources.insert(Resource::new("hb-1"));
        assert_eq!(ids(&resources), ["hb-2", "hb-3", "hb-1"]);
    }

    #[test]
    fn a_resource_with_a_known_id_takes_the_place_of_the_old_one() {
        let mut resources: Resources = ["hb-1", "hb-2"].map(Resource::new).into_iter().collect();
        resources.insert(Resource::new("hb-1").with_tags([("env", "prod")]));
        assert_eq!(ids(&resources), ["hb-1", "hb-2"]);
        assert_eq!(resources.get("hb-1").unwrap().tags["env"], "prod");
    }
}
