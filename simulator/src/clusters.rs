//! The clusters of a region, in the order in which they are listed.

use std::collections::{BTreeMap, HashMap};

/// A cluster. Its id never changes.
#[derive(Clone, Debug)]
pub struct Cluster {
    id: String,
    pub name: String,
    /// An open set; ACTIVATION is a cluster that runs.
    pub status: String,
    /// As DescribeInstances writes it in `CreatedTimeUTC`, for example `2019-09-12T14:40:46Z`.
    pub created_at_utc: String,
    pub resource_group_id: String,
    pub tags: BTreeMap<String, String>,
    /// What DescribeInstances shows instead of `tags`, where the two listings are to disagree.
    pub inline_tags: Option<BTreeMap<String, String>>,
}

/// Clusters in listing order: new ones come last. An id occurs once.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    listed: Vec<Cluster>,
    positions: HashMap<String, usize>,
}

impl Cluster {
    /// A running cluster from 2024 with its id as its name, in the default resource group, without tags.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            status: "ACTIVATION".to_owned(),
            created_at_utc: "2024-01-02T03:04:05Z".to_owned(),
            resource_group_id: "rg-default".to_owned(),
            tags: BTreeMap::new(),
            inline_tags: None,
        }
    }

    /// The same cluster with these tags beside those it has.
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

    /// The tags in DescribeInstances.
    pub fn shown_inline(&self) -> &BTreeMap<String, String> {
        self.inline_tags.as_ref().unwrap_or(&self.tags)
    }

    /// What DescribeInstances filters with `DbType`: `hbase`, `hbaseue` (performance-enhanced) or `bds` (data
    /// synchronisation). The ids in the vendor's examples begin with `hb-`, `ld-` and `bds-`.
    pub fn db_type(&self) -> &'static str {
        match self.id.split_once('-') {
            Some(("ld", _)) => "hbaseue",
            Some(("bds", _)) => "bds",
            _ => "hbase",
        }
    }
}

impl Clusters {
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Cluster> {
        self.listed.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Cluster> {
        self.listed.iter_mut()
    }

    pub fn get(&self, id: &str) -> Option<&Cluster> {
        self.listed.get(*self.positions.get(id)?)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Cluster> {
        self.listed.get_mut(*self.positions.get(id)?)
    }

    /// Puts a cluster at the end, or in the place of the one that has its id.
    pub fn insert(&mut self, cluster: Cluster) {
        match self.get_mut(cluster.id()) {
            Some(present) => *present = cluster,
            None => {
                self.positions.insert(cluster.id.clone(), self.listed.len());
                self.listed.push(cluster);
            }
        }
    }

    /// Takes a cluster out; those behind it move up by one.
    pub fn remove(&mut self, id: &str) -> Option<Cluster> {
        let position = self.positions.remove(id)?;
        let removed = self.listed.remove(position);
        for (position, cluster) in self.listed.iter().enumerate().skip(position) {
            self.positions.insert(cluster.id.clone(), position);
        }
        Some(removed)
    }
}

impl FromIterator<Cluster> for Clusters {
    fn from_iter<I: IntoIterator<Item = Cluster>>(clusters: I) -> Self {
        let mut all = Self::default();
        clusters.into_iter().for_each(|cluster| all.insert(cluster));
        all
    }
}

impl<'a> IntoIterator for &'a Clusters {
    type Item = &'a Cluster;
    type IntoIter = std::slice::Iter<'a, Cluster>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(clusters: &Clusters) -> Vec<&str> {
        clusters.iter().map(Cluster::id).collect()
    }

    #[test]
    fn a_removed_cluster_leaves_the_others_in_order_and_within_reach() {
        let mut clusters: Clusters = ["hb-1", "hb-2", "hb-3"].map(Cluster::new).into_iter().collect();
        assert_eq!(clusters.remove("hb-1").unwrap().id(), "hb-1");
        assert!(clusters.remove("hb-1").is_none());
        assert_eq!(ids(&clusters), ["hb-2", "hb-3"]);
        assert_eq!(clusters.get("hb-3").unwrap().id(), "hb-3");
        clusters.insert(Cluster::new("hb-1"));
        assert_eq!(ids(&clusters), ["hb-2", "hb-3", "hb-1"]);
    }

    #[test]
    fn a_cluster_with_a_known_id_takes_the_place_of_the_old_one() {
        let mut clusters: Clusters = ["hb-1", "hb-2"].map(Cluster::new).into_iter().collect();
        clusters.insert(Cluster::new("hb-1").with_tags([("env", "prod")]));
        assert_eq!(ids(&clusters), ["hb-1", "hb-2"]);
        assert_eq!(clusters.get("hb-1").unwrap().tags["env"], "prod");
    }

    #[test]
    fn the_prefix_of_an_id_says_what_kind_of_cluster_it_is() {
        for (id, db_type) in [("hb-bp1", "hbase"), ("ld-bp1", "hbaseue"), ("bds-bp1", "bds")] {
            assert_eq!(Cluster::new(id).db_type(), db_type);
        }
    }
}
