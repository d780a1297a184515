//! The operations that are simulated, one file each: those of the HBase API, and those of STS.

use jiff::Timestamp;

use super::error::CloudError;
use super::parameters::Parameters;
use super::request::Request;
use super::state::State;

mod assume_role;
mod describe_instances;
mod describe_regions;
mod get_caller_identity;
mod list_tag_resources;
mod list_tags;

/// The only version of the HBase API.
const VERSION: &str = "2019-01-01";
/// The only version of STS.
const STS_VERSION: &str = "2015-04-01";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    AssumeRole,
    AssumeRoleWithOidc,
    DescribeInstances,
    DescribeRegions,
    GetCallerIdentity,
    ListTagResources,
    ListTags,
}

impl Operation {
    /// The operation that a request names, with its version.
    pub fn of(request: &Request) -> Result<Self, CloudError> {
        let needed = |name: &str, header: &str| match request.common(name, header) {
            "" => Err(CloudError::missing(name)),
            value => Ok(value.to_owned()),
        };
        let version = needed("Version", "x-acs-version")?;
        let action = needed("Action", "x-acs-action")?;
        match (version.as_str(), action.as_str()) {
            (VERSION, "DescribeInstances") => Ok(Self::DescribeInstances),
            (VERSION, "DescribeRegions") => Ok(Self::DescribeRegions),
            (VERSION, "ListTagResources") => Ok(Self::ListTagResources),
            (VERSION, "ListTags") => Ok(Self::ListTags),
            (STS_VERSION, "AssumeRole") => Ok(Self::AssumeRole),
            (STS_VERSION, "AssumeRoleWithOIDC") => Ok(Self::AssumeRoleWithOidc),
            (STS_VERSION, "GetCallerIdentity") => Ok(Self::GetCallerIdentity),
            (VERSION | STS_VERSION, _) => {
                Err(CloudError::new(404, "InvalidAction.NotFound", "Specified api is not found."))
            }
            _ => Err(CloudError::bad("InvalidVersion", "Specified parameter Version is not valid.")),
        }
    }

    /// AssumeRoleWithOIDC is the one that anybody may ask: the token says who it is.
    pub fn is_signed(self) -> bool {
        self != Self::AssumeRoleWithOidc
    }

    /// The body of the answer.
    pub fn run(
        self,
        state: &mut State,
        request: &Request,
        request_id: &str,
        now: Timestamp,
    ) -> Result<String, CloudError> {
        let parameters = Parameters::of(request);
        match self {
            Self::AssumeRole => assume_role::answer(state, request, parameters, request_id, now),
            Self::AssumeRoleWithOidc => assume_role::answer_with_oidc(state, parameters, request_id, now),
            Self::GetCallerIdentity => get_caller_identity::answer(state, request, parameters, request_id),
            _ => self.read(state, request, request_id),
        }
    }

    /// The same for operations of the HBase API, which change nothing.
    fn read(self, state: &State, request: &Request, request_id: &str) -> Result<String, CloudError> {
        let parameters = Parameters::of(request);
        match self {
            Self::DescribeInstances => describe_instances::answer(state, parameters, request_id),
            Self::DescribeRegions => describe_regions::answer(state, parameters, request_id),
            Self::ListTagResources => list_tag_resources::answer(state, request, parameters, request_id),
            Self::ListTags => list_tags::answer(state, parameters, request_id),
            _ => Err(CloudError::internal("an operation of STS is not read")),
        }
    }
}

/// The answer to a request that needs no signature, or the code of the refusal.
#[cfg(test)]
fn ask(state: &State, action: &str, parameters: &[(&str, &str)]) -> Result<serde_json::Value, String> {
    let common = [("Action", action), ("Version", VERSION)];
    let all: Vec<_> = common.into_iter().chain(parameters.iter().copied()).collect();
    let request = Request::from_parameters("POST", &all);
    let answer = Operation::of(&request).and_then(|operation| operation.read(state, &request, "id"));
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
