//! ListTags: every pair of key and value in a region, once, without the resources that carry it.

use std::collections::BTreeSet;

use crate::error::CloudError;
use crate::product::{Facts, SizeLimits};

use super::call::Call;

pub fn answer<'a>(call: &Call<'a>) -> Result<String, CloudError> {
    let mut parameters = call.parameters();
    let regions = call.take_regions(&mut parameters)?;
    let page = call.take_page(&mut parameters, SizeLimits::default())?;
    parameters.finish()?;
    call.check_right()?;
    let resources = regions.iter().flat_map(|(_, region)| region.of(call.product.name()));
    let pairs: BTreeSet<_> = resources.flat_map(|resource| &resource.tags).collect();
    let facts = |(key, value): (&'a String, &'a String)| Facts { key, value, ..Facts::default() };
    call.answer(page, pairs.into_iter().map(facts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::operations::ask;
    use crate::{Region, Resource, State};

    #[test]
    fn each_pair_is_listed_once() {
        let tagged = |id, value| Resource::new(id).with_tags([("env", value)]);
        let clusters = [tagged("hb-1", "prod"), tagged("hb-2", ""), tagged("hb-3", "prod")];
        let state = State::new([("cn-hangzhou", Region::new("Hangzhou", clusters))]);
        let answer = ask(&state, "ListTags", &[("RegionId", "cn-hangzhou")]).unwrap();
        let pair = |value| json!({ "TagKey": "env", "TagValue": value });
        assert_eq!(answer["Tags"]["Tag"], json!([pair(""), pair("prod")]));
        assert_eq!(ask(&state, "ListTags", &[]).unwrap_err(), "MissingRegionId");
        assert_eq!(ask(&state, "ListTags", &[("RegionId", "moon")]).unwrap_err(), "InvalidRegionId.NotFound");
    }
}
