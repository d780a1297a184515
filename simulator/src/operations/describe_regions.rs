//! DescribeRegions, <https://help.aliyun.com/document_detail/144489.html>.

use serde::Serialize;

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::response::to_json;
use crate::state::{Region, State};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRegions<'a> {
    request_id: &'a str,
    regions: Regions<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Regions<'a> {
    region: Vec<RegionRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegionRow<'a> {
    region_id: &'a str,
    local_name: &'a str,
    region_endpoint: &'a str,
    zones: Zones,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zones {
    zone: [Zone; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zone {
    id: String,
}

/// There is no RegionId in the documented request, but the classic SDK adds one to every call.
pub fn answer(state: &State, mut parameters: Parameters<'_>, request_id: &str) -> Result<String, CloudError> {
    parameters.take("RegionId");
    check_one_of(&mut parameters, "AcceptLanguage", &["zh-CN", "en-US", "ja"])?;
    check_one_of(&mut parameters, "Engine", &["hbase", "hbaseue", "serverlesshbase", "bds"])?;
    parameters.finish()?;

    let region = state.regions.iter().map(|(id, region)| region_row(id, region)).collect();
    to_json(&DescribeRegions { request_id, regions: Regions { region } })
}

fn check_one_of(parameters: &mut Parameters<'_>, name: &str, known: &[&str]) -> Result<(), CloudError> {
    match parameters.take(name) {
        Some(value) if !known.contains(&value) => {
            Err(CloudError::invalid(name, "it is none of the documented values"))
        }
        _ => Ok(()),
    }
}

fn region_row<'a>(id: &'a str, region: &'a Region) -> RegionRow<'a> {
    let zone = ["a", "b"].map(|letter| Zone { id: format!("{id}-{letter}") });
    RegionRow {
        region_id: id,
        local_name: &region.local_name,
        region_endpoint: &region.endpoint,
        zones: Zones { zone },
    }
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
