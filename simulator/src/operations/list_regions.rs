//! The region listing of any product that has one, DescribeRegions.

use crate::error::CloudError;
use crate::product::{Facts, SizeLimits};
use crate::state::Region;

use super::call::Call;
use super::wanted::Wanted;

/// There is no RegionId in the documented request, but the classic SDK adds one to every call.
pub fn answer<'a>(call: &Call<'a>) -> Result<String, CloudError> {
    let mut parameters = call.parameters();
    parameters.take("RegionId");
    Wanted::take(&mut parameters, call)?;
    let page = call.take_page(&mut parameters, SizeLimits::default())?;
    parameters.finish()?;
    call.check_right()?;
    let facts = |(region, held): (&'a String, &'a Region)| Facts {
        region,
        local_name: &held.local_name,
        endpoint: &held.endpoint,
        ..Facts::default()
    };
    call.answer(page, call.state.regions.iter().map(facts))
}

#[cfg(test)]
mod tests {
    use crate::operations::ask;
    use crate::{Region, State};

    #[test]
    fn regions_are_listed_by_id_with_their_endpoints() {
        let state = State::new(["cn-shanghai", "cn-hangzhou"].map(|id| (id, Region::new(id, []))));
        let answer = ask(&state, "DescribeRegions", &[("AcceptLanguage", "en-US")]).unwrap();
        let first = &answer["Regions"]["Region"][0];
        assert_eq!(first["RegionId"], "cn-hangzhou");
        assert_eq!(first["RegionEndpoint"], "hbase.aliyuncs.com");
        assert_eq!(first["Zones"]["Zone"][1]["Id"], "cn-hangzhou-b");
        let engine = ask(&state, "DescribeRegions", &[("Engine", "mysql")]);
        assert_eq!(engine.unwrap_err(), "InvalidParameter.Engine");
    }
}
