//! The resource listing of any product: DescribeInstances, ListClusters and so on.

use crate::error::CloudError;
use crate::product::{Facts, Meaning, SizeLimits};
use crate::resources::Resource;

use super::call::Call;
use super::wanted::{Located, Wanted};

pub fn answer(call: &Call<'_>) -> Result<String, CloudError> {
    let limits = &call.state.limits;
    let sizes = SizeLimits { default: limits.default_page_size, max: limits.max_page_size };
    let mut parameters = call.parameters();
    let regions = call.take_regions(&mut parameters)?;
    let page = call.take_page(&mut parameters, sizes)?;
    let wanted = Wanted::take(&mut parameters, call)?;
    parameters.finish()?;
    check_dry_run(call, &wanted)?;
    call.check_right()?;
    let found = match call.is_denied() {
        true => Vec::new(),
        false => wanted.select(&regions, Resource::shown_inline),
    };
    wanted.check_known(&found)?;
    let shows_tags = shows_tags(call, &wanted);
    call.answer(page, found.iter().map(|found| facts(call, found, shows_tags)))
}

/// A dry run is never answered with a listing.
fn check_dry_run(call: &Call<'_>, wanted: &Wanted<'_>) -> Result<(), CloudError> {
    match &call.listing.described.dry_run {
        Some(dry_run) if wanted.says(Meaning::DryRun) => Err(match call.is_denied() {
            true => dry_run.denied.error("User not authorized to operate on the specified resource."),
            false => dry_run.permitted.error("Request validation has been passed with DryRun flag set."),
        }),
        _ => Ok(()),
    }
}

/// Some products show tags only when asked to.
fn shows_tags(call: &Call<'_>, wanted: &Wanted<'_>) -> bool {
    let mut parameters = call.listing.described.parameters.values();
    !parameters.any(|parameter| parameter.is == Meaning::ShowTags) || wanted.says(Meaning::ShowTags)
}

fn facts<'a>(call: &Call<'a>, &(region, resource): &Located<'a>, shows_tags: bool) -> Facts<'a> {
    Facts {
        region,
        resource: Some(resource),
        variant: call.product.variant_of(resource),
        tags: shows_tags.then_some(resource.shown_inline()),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::operations::ask;
    use crate::{State, synthetic};

    fn state() -> State {
        let mut state = synthetic(1, 25, 3);
        let clusters = state.regions.get_mut("cn-hangzhou").unwrap().of_mut("hbase");
        clusters.insert(Resource::new("hb-last").with_tags([("负责人", "张 三"), ("empty", "")]));
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
        let clusters = state.regions.get_mut("cn-hangzhou").unwrap().of_mut("hbase");
        let cluster = clusters.get_mut("hb-last").unwrap();
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
