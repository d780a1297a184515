//! ListTags: every pair of key and value in a region, once, without the clusters that carry it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::response::to_json;
use crate::state::State;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTags<'a> {
    request_id: &'a str,
    tags: Tags<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags<'a> {
    tag: Vec<Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    tag_key: &'a str,
    tag_value: &'a str,
}

pub fn answer(state: &State, mut parameters: Parameters<'_>, request_id: &str) -> Result<String, CloudError> {
    let (_, region) = parameters.take_region(state)?;
    parameters.finish()?;
    let pairs: BTreeSet<_> = region.clusters.iter().flat_map(|cluster| &cluster.tags).collect();
    let tag = pairs.into_iter().map(|(tag_key, tag_value)| Tag { tag_key, tag_value }).collect();
    to_json(&ListTags { request_id, tags: Tags { tag } })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::operations::ask;
    use crate::{Cluster, Region, State};

    #[test]
    fn each_pair_is_listed_once() {
        let tagged = |id, value| Cluster::new(id).with_tags([("env", value)]);
        let clusters = [tagged("hb-1", "prod"), tagged("hb-2", ""), tagged("hb-3", "prod")];
        let state = State::new([("cn-hangzhou", Region::new("Hangzhou", clusters))]);
        let answer = ask(&state, "ListTags", &[("RegionId", "cn-hangzhou")]).unwrap();
        let pair = |value| json!({ "TagKey": "env", "TagValue": value });
        assert_eq!(answer["Tags"]["Tag"], json!([pair(""), pair("prod")]));
        assert_eq!(ask(&state, "ListTags", &[]).unwrap_err(), "MissingRegionId");
        assert_eq!(ask(&state, "ListTags", &[("RegionId", "moon")]).unwrap_err(), "InvalidRegionId.NotFound");
    }
}
