//! ListTagResources, <https://www.alibabacloud.com/help/doc-detail/147906.htm>.
//!
//! HBase publishes no codes for it. Those here are NAS's, which has the same operation,
//! <https://alibabacloud.com/help/en/nas/developer-reference/api-nas-2017-06-26-listtagresources>.

use serde::Serialize;

use crate::clusters::{Cluster, Clusters};
use crate::error::CloudError;
use crate::next_token;
use crate::parameters::{Parameters, TagFilter};
use crate::request::Request;
use crate::response::to_json;
use crate::state::State;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTagResources<'a> {
    request_id: &'a str,
    next_token: String,
    tag_resources: TagResources<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagResources<'a> {
    tag_resource: Vec<TagResource<'a>>,
}

/// One tag of one cluster.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource<'a> {
    resource_id: &'a str,
    resource_type: &'static str,
    tag_key: &'a str,
    tag_value: &'a str,
}

/// The type in the vendor's example.
const RESOURCE_TYPE: &str = "ALIYUN::MULTIMOD::CLUSTER";

/// Clusters without tags, and ids that the region does not have, are not in the answer.
pub fn answer(
    state: &State,
    request: &Request,
    mut parameters: Parameters<'_>,
    request_id: &str,
) -> Result<String, CloudError> {
    let (_, region) = parameters.take_region(state)?;
    let ids = parameters.take_resource_ids(&state.limits)?;
    let filters = parameters.take_tag_filters(&state.limits)?;
    let token = parameters.take("NextToken").filter(|token| !token.is_empty());
    parameters.finish()?;
    if ids.is_empty() && filters.is_empty() {
        let message = "Either ResourceId or Tag must be specified.";
        return Err(CloudError::bad("MissingParameter.ResourceIdOrTag", message));
    }
    let first = token.map_or(Ok(0), |token| next_token::read(token, request))?;
    let rows = rows(select(&region.clusters, &ids, &filters));
    let mut rows = rows.skip(first);
    let tag_resource = rows.by_ref().take(state.limits.tag_rows).collect();
    let next = rows.next().map(|_| next_token::write(first + state.limits.tag_rows, request));
    let next_token = next.unwrap_or_default();
    to_json(&ListTagResources { request_id, next_token, tag_resources: TagResources { tag_resource } })
}

/// The clusters that have one of the ids, if any are given, and fit every filter.
fn select<'a>(clusters: &'a Clusters, ids: &[&str], filters: &[TagFilter<'_>]) -> Vec<&'a Cluster> {
    let mut selected: Vec<_> = match ids {
        [] => clusters.iter().collect(),
        ids => ids.iter().filter_map(|id| clusters.get(id)).collect(),
    };
    selected.retain(|cluster| TagFilter::all_fit(filters, &cluster.tags));
    selected
}

/// A cluster that fits is listed with all its tags.
fn rows(clusters: Vec<&Cluster>) -> impl Iterator<Item = TagResource<'_>> {
    clusters.into_iter().flat_map(|cluster| {
        cluster.tags.iter().map(|(tag_key, tag_value)| TagResource {
            resource_id: cluster.id(),
            resource_type: RESOURCE_TYPE,
            tag_key,
            tag_value,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::operations::ask;
    use crate::{Region, State};

    /// hb-1 has 25 tags, hb-2 has two, hb-3 none.
    fn state() -> State {
        let many = (0..25).map(|n| (format!("key-{n:02}"), "v"));
        let clusters = [
            Cluster::new("hb-1").with_tags(many),
            Cluster::new("hb-2").with_tags([("key-00", ""), ("负责人", "张 三")]),
            Cluster::new("hb-3"),
        ];
        State::new([("cn-hangzhou", Region::new("Hangzhou", clusters))])
    }

    fn list(parameters: &[(&str, &str)]) -> Result<Value, String> {
        let all: Vec<_> =
            [("RegionId", "cn-hangzhou")].into_iter().chain(parameters.iter().copied()).collect();
        ask(&state(), "ListTagResources", &all)
    }

    fn rows(answer: &Value) -> Vec<String> {
        let rows = answer["TagResources"]["TagResource"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["ResourceId"], row["TagKey"]).replace('"', "")).collect()
    }

    #[test]
    fn pages_join_to_all_tags_of_the_named_clusters() {
        let ids = [
            ("ResourceId.1", "hb-1"),
            ("ResourceId.2", "hb-2"),
            ("ResourceId.3", "hb-3"),
            ("ResourceId.4", "gone"),
        ];
        let first = list(&ids).unwrap();
        let token = first["NextToken"].as_str().unwrap();
        assert!(token.ends_with('\n'));
        let second = list(&[&ids[..], &[("NextToken", token)]].concat()).unwrap();
        assert_eq!(second["NextToken"], "");
        assert_eq!((rows(&first).len(), rows(&second).len()), (20, 7));
        assert_eq!(rows(&second)[5..], ["hb-2 key-00", "hb-2 负责人"]);
    }

    #[test]
    fn filters_narrow_the_clusters_and_not_their_tags() {
        let empty = [("Tag.1.Key", "key-00"), ("Tag.1.Value", "")];
        assert_eq!(rows(&list(&empty).unwrap()), ["hb-2 key-00", "hb-2 负责人"]);
        let both = [&empty[..], &[("ResourceId.1", "hb-1")]].concat();
        assert!(rows(&list(&both).unwrap()).is_empty());
    }

    #[test]
    fn a_token_is_good_for_the_same_request_only() {
        let first = list(&[("ResourceId.1", "hb-1")]).unwrap();
        let token = first["NextToken"].as_str().unwrap();
        for (id, token) in [("hb-2", token), ("hb-1", token.trim()), ("hb-1", "made up"), ("hb-1", "5\n")] {
            let code = list(&[("ResourceId.1", id), ("NextToken", token)]).unwrap_err();
            assert_eq!(code, "InvalidNextToken", "{id} {token:?}");
        }
        assert!(list(&[("ResourceId.1", "hb-1"), ("NextToken", "")]).is_ok());
    }

    #[test]
    fn a_request_for_everything_is_refused() {
        assert_eq!(list(&[]).unwrap_err(), "MissingParameter.ResourceIdOrTag");
        assert_eq!(list(&[("ResourceType", "INSTANCE")]).unwrap_err(), "InvalidParameter.Unknown");
        let many: Vec<_> = (1..=51).map(|n| (format!("ResourceId.{n}"), format!("hb-{n}"))).collect();
        let many: Vec<_> = many.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
        assert_eq!(list(&many).unwrap_err(), "NumberExceed.ResourceIds");
        assert!(list(&many[..50]).is_ok());
    }
}
