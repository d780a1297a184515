//! DescribeInstances, <https://www.alibabacloud.com/help/doc-detail/144595.htm>. The field names are those of the
//! official SDK `alibabacloud_hbase20190101` 2.10.5.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clusters::Cluster;
use crate::error::CloudError;
use crate::parameters::{Parameters, TagFilter};
use crate::response::to_json;
use crate::state::{Limits, State};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInstances<'a> {
    request_id: &'a str,
    page_number: usize,
    page_size: usize,
    total_count: usize,
    instances: Instances<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instances<'a> {
    instance: Vec<Instance<'a>>,
}

/// `CreatedTime` is left out: it is a local time without a zone.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instance<'a> {
    cluster_id: &'a str,
    cluster_name: &'a str,
    cluster_type: &'static str,
    #[serde(rename = "CreatedTimeUTC")]
    created_time_utc: &'a str,
    engine: &'static str,
    instance_id: &'a str,
    instance_name: &'a str,
    is_deletion_protection: bool,
    major_version: &'static str,
    module_stack_version: &'static str,
    network_type: &'static str,
    pay_type: &'static str,
    region_id: &'a str,
    resource_group_id: &'a str,
    status: &'a str,
    tags: Tags<'a>,
    zone_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags<'a> {
    tag: Vec<Tag<'a>>,
}

/// Here the fields are called `Key` and `Value`, elsewhere `TagKey` and `TagValue`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

/// Which clusters are asked for. A filter that is not given fits all.
struct Filters<'a> {
    db_type: Option<&'a str>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    resource_group_id: Option<&'a str>,
    tags: Vec<TagFilter<'a>>,
}

/// RegionId is optional in the documentation, which does not say what is listed without it; here it is required.
pub fn answer(state: &State, mut parameters: Parameters<'_>, request_id: &str) -> Result<String, CloudError> {
    let (region_id, region) = parameters.take_region(state)?;
    let limits = &state.limits;
    let page_number = parameters.take_number("PageNumber", 1..=usize::MAX, 1)?;
    let page_size = parameters.take_number("PageSize", 1..=limits.max_page_size, limits.default_page_size)?;
    let filters = Filters::take(&mut parameters, limits)?;
    parameters.finish()?;
    let found: Vec<_> = region.clusters.iter().filter(|cluster| filters.fit(cluster)).collect();
    let first = (page_number - 1).saturating_mul(page_size);
    let page = found.iter().skip(first).take(page_size);
    let instance = page.map(|cluster| Instance::new(cluster, region_id)).collect();
    let instances = Instances { instance };
    to_json(&DescribeInstances { request_id, page_number, page_size, total_count: found.len(), instances })
}

impl<'a> Filters<'a> {
    fn take(parameters: &mut Parameters<'a>, limits: &Limits) -> Result<Self, CloudError> {
        let db_type = parameters.take("DbType");
        if db_type.is_some_and(|db_type| !["hbase", "hbaseue", "bds"].contains(&db_type)) {
            return Err(CloudError::invalid("DbType", "it is hbase, hbaseue or bds"));
        }
        Ok(Self {
            db_type,
            id: parameters.take("ClusterId"),
            name: parameters.take("ClusterName"),
            resource_group_id: parameters.take("ResourceGroupId"),
            tags: parameters.take_tag_filters(limits)?,
        })
    }

    fn fit(&self, cluster: &Cluster) -> bool {
        let fits = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        fits(self.id, cluster.id())
            && self.db_type.is_none_or(|wanted| wanted == cluster.db_type())
            && fits(self.name, &cluster.name)
            && fits(self.resource_group_id, &cluster.resource_group_id)
            && TagFilter::all_fit(&self.tags, cluster.shown_inline())
    }
}

impl<'a> Instance<'a> {
    /// What the simulated cloud does not vary is taken from the vendor's example.
    fn new(cluster: &'a Cluster, region_id: &'a str) -> Self {
        Self {
            cluster_id: cluster.id(),
            cluster_name: &cluster.name,
            cluster_type: "cluster",
            created_time_utc: &cluster.created_at_utc,
            engine: cluster.db_type(),
            instance_id: cluster.id(),
            instance_name: &cluster.name,
            is_deletion_protection: false,
            major_version: "2.0",
            module_stack_version: "1.0",
            network_type: "VPC",
            pay_type: "Prepaid",
            region_id,
            resource_group_id: &cluster.resource_group_id,
            status: &cluster.status,
            tags: Tags::new(cluster.shown_inline()),
            zone_id: format!("{region_id}-a"),
        }
    }
}

impl<'a> Tags<'a> {
    fn new(tags: &'a BTreeMap<String, String>) -> Self {
        Self { tag: tags.iter().map(|(key, value)| Tag { key, value }).collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::operations::ask;
    use crate::synthetic;

    fn state() -> State {
        let mut state = synthetic(1, 25, 3);
        let clusters = &mut state.regions.get_mut("cn-hangzhou").unwrap().clusters;
        clusters.insert(Cluster::new("hb-last").with_tags([("负责人", "张 三"), ("empty", "")]));
        state
    }

    fn list(parameters: &[(&str, &str)]) -> Result<Value, String> {
        let all: Vec<_> =
            [("RegionId", "cn-hangzhou")].into_iter().chain(parameters.iter().copied()).collect();
        ask(&state(), "DescribeInstances", &all)
    }

    fn ids(parameters: &[(&str, &str)]) -> Vec<String> {
        let answer = list(parameters).unwrap();
        let instances = answer["Instances"]["Instance"].as_array().unwrap().iter();
        instances.map(|instance| instance["InstanceId"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_page_has_ten_clusters_unless_asked_for_more_and_counts_all() {
        let answer = list(&[]).unwrap();
        assert_eq!(answer["Instances"]["Instance"].as_array().unwrap().len(), 10);
        assert_eq!(
            (&answer["PageNumber"], &answer["PageSize"], &answer["TotalCount"]),
            (&1.into(), &10.into(), &26.into())
        );
        assert_eq!(ids(&[("PageSize", "100")]).len(), 26);
        assert_eq!(ids(&[("PageSize", "25"), ("PageNumber", "2")]), ["hb-last"]);
        assert!(ids(&[("PageSize", "25"), ("PageNumber", "3")]).is_empty());
    }

    #[test]
    fn filters_narrow_the_listing_and_its_count() {
        for filter in [
            &[("ClusterId", "hb-last")] as &[_],
            &[("ClusterName", "hb-last")],
            &[("Tag.1.Key", "负责人"), ("Tag.1.Value", "张 三")],
            &[("Tag.1.Key", "empty"), ("Tag.1.Value", "")],
        ] {
            assert_eq!(ids(filter), ["hb-last"], "{filter:?}");
            assert_eq!(list(filter).unwrap()["TotalCount"], 1);
        }
        assert!(ids(&[("Tag.1.Key", "empty"), ("Tag.1.Value", "x")]).is_empty());
        assert!(ids(&[("ResourceGroupId", "rg-other")]).is_empty());
        assert_eq!(list(&[("DbType", "bds")]).unwrap()["TotalCount"], 8);
    }

    #[test]
    fn inline_tags_can_differ_from_the_tags() {
        let mut state = state();
        let cluster = state.regions.get_mut("cn-hangzhou").unwrap().clusters.get_mut("hb-last").unwrap();
        cluster.inline_tags = Some(BTreeMap::from([("old".to_owned(), "tag".to_owned())]));
        let last = [("RegionId", "cn-hangzhou"), ("ClusterId", "hb-last")];
        let answer = ask(&state, "DescribeInstances", &last).unwrap();
        assert_eq!(answer["Instances"]["Instance"][0]["Tags"]["Tag"][0]["Key"], "old");
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for (parameter, code) in [
            (("PageSize", "101"), "InvalidParameter.PageSize"),
            (("PageNumber", "0"), "InvalidParameter.PageNumber"),
            (("DbType", "mysql"), "InvalidParameter.DbType"),
            (("RegionId", "moon"), "InvalidRegionId.NotFound"),
            (("MaxResults", "100"), "InvalidParameter.Unknown"),
        ] {
            assert_eq!(list(&[parameter]).unwrap_err(), code);
        }
        assert_eq!(ask(&state(), "DescribeInstances", &[]).unwrap_err(), "MissingRegionId");
    }
}
