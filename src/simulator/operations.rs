//! The operations of the HBase API that are simulated, one file each.

use super::error::CloudError;
use super::parameters::Parameters;
use super::request::Request;
use super::state::State;

mod describe_instances;
mod describe_regions;
mod list_tag_resources;
mod list_tags;

/// The only version of the HBase API.
const VERSION: &str = "2019-01-01";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    DescribeInstances,
    DescribeRegions,
    ListTagResources,
    ListTags,
}

impl Operation {
    /// The operation that a request names, with its version.
    pub fn of(request: &Request) -> Result<Self, CloudError> {
        if request.required("Version")? != VERSION {
            return Err(CloudError::bad("InvalidVersion", "Specified parameter Version is not valid."));
        }
        match request.required("Action")? {
            "DescribeInstances" => Ok(Self::DescribeInstances),
            "DescribeRegions" => Ok(Self::DescribeRegions),
            "ListTagResources" => Ok(Self::ListTagResources),
            "ListTags" => Ok(Self::ListTags),
            _ => Err(CloudError::new(404, "InvalidAction.NotFound", "Specified api is not found.")),
        }
    }

    /// The body of the answer.
    pub fn run(self, state: &State, request: &Request, request_id: &str) -> Result<String, CloudError> {
        let parameters = Parameters::of(request);
        match self {
            Self::DescribeInstances => describe_instances::answer(state, parameters, request_id),
            Self::DescribeRegions => describe_regions::answer(state, parameters, request_id),
            Self::ListTagResources => list_tag_resources::answer(state, request, parameters, request_id),
            Self::ListTags => list_tags::answer(state, parameters, request_id),
        }
    }
}

/// The answer to a request that needs no signature, or the code of the refusal.
#[cfg(test)]
fn ask(state: &State, action: &str, parameters: &[(&str, &str)]) -> Result<serde_json::Value, String> {
    let common = [("Action", action), ("Version", VERSION)];
    let all: Vec<_> = common.into_iter().chain(parameters.iter().copied()).collect();
    let request = Request::from_parameters("POST", &all);
    let answer = Operation::of(&request).and_then(|operation| operation.run(state, &request, "id"));
    answer.map(|body| serde_json::from_str(&body).unwrap()).map_err(|error| error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_known_by_name_and_version() {
        let operation = |action, version| {
            let request = Request::from_parameters("GET", &[("Action", action), ("Version", version)]);
            Operation::of(&request).map_err(|error| error.code)
        };
        assert_eq!(operation("ListTags", VERSION).unwrap(), Operation::ListTags);
        assert_eq!(operation("ListTags", "2014-05-26").unwrap_err(), "InvalidVersion");
        assert_eq!(operation("DeleteInstance", VERSION).unwrap_err(), "InvalidAction.NotFound");
        assert_eq!(operation("", VERSION).unwrap_err(), "MissingAction");
    }
}
