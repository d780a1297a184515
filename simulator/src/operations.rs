//! The operations that are simulated: the listings of all products, and those of STS.

use std::sync::Arc;

use jiff::Timestamp;

use super::error::CloudError;
use super::parameters::Parameters;
use super::product::{Kind, Product};
use super::request::Request;
use super::state::State;

mod assume_role;
mod call;
mod get_caller_identity;
mod list_regions;
mod list_resources;
mod list_tag_resources;
mod list_tags;
mod status;
mod wanted;

use call::Call;

/// The only version of STS.
const STS_VERSION: &str = "2015-04-01";

#[derive(Clone, Debug)]
pub(super) enum Operation {
    AssumeRole,
    AssumeRoleWithOidc,
    GetCallerIdentity,
    List(Arc<Product>, Kind),
    Status(Arc<Product>),
}

impl Operation {
    /// The operation that a request names, with its version.
    pub fn of(state: &State, request: &Request) -> Result<Self, CloudError> {
        let needed = |name: &str, header: &str| match request.common(name, header) {
            "" => Err(CloudError::missing(name)),
            value => Ok(value.to_owned()),
        };
        let version = needed("Version", "x-acs-version")?;
        let action = needed("Action", "x-acs-action")?;
        match (version.as_str(), action.as_str()) {
            (STS_VERSION, "AssumeRole") => Ok(Self::AssumeRole),
            (STS_VERSION, "AssumeRoleWithOIDC") => Ok(Self::AssumeRoleWithOidc),
            (STS_VERSION, "GetCallerIdentity") => Ok(Self::GetCallerIdentity),
            (version, action) => Self::of_product(state, request, version, action),
        }
    }

    /// A request does not name its API, but no two of them have the same version. Where several products of one API
    /// share an operation, the one is meant whose parameters fit; the first says what is wrong when none do.
    fn of_product(state: &State, request: &Request, version: &str, action: &str) -> Result<Self, CloudError> {
        let of_version = || state.products.values().filter(|product| product.version == version);
        if version != STS_VERSION && of_version().next().is_none() {
            return Err(CloudError::bad("InvalidVersion", "Specified parameter Version is not valid."));
        }
        let sharing: Vec<_> = of_version().filter_map(|product| Self::named(product, action)).collect();
        let meant = sharing.iter().find(|operation| operation.accepts(state, request));
        let not_found = || CloudError::new(404, "InvalidAction.NotFound", "Specified api is not found.");
        meant.or(sharing.first()).cloned().ok_or_else(not_found)
    }

    fn named(product: &Arc<Product>, action: &str) -> Option<Self> {
        let is_status = product.status.as_ref().is_some_and(|status| status.action == action);
        match is_status {
            true => Some(Self::Status(product.clone())),
            false => Some(Self::List(product.clone(), product.kind_of(action)?)),
        }
    }

    fn accepts(&self, state: &State, request: &Request) -> bool {
        match self {
            Self::List(product, kind) => wanted::accepts(&Call {
                product,
                listing: &product.listings[kind],
                state,
                request,
                request_id: "",
            }),
            _ => true,
        }
    }

    /// AssumeRoleWithOIDC is the one that anybody may ask: the token says who it is.
    pub fn is_signed(&self) -> bool {
        !matches!(self, Self::AssumeRoleWithOidc)
    }

    /// The body of the answer.
    pub fn run(
        &self,
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
            Self::List(product, kind) => list(product, *kind, state, request, request_id),
            Self::Status(product) => status::answer(state, product, parameters, request_id),
        }
    }
}

/// Listings change nothing.
fn list(
    product: &Product,
    kind: Kind,
    state: &State,
    request: &Request,
    request_id: &str,
) -> Result<String, CloudError> {
    let call = Call { product, listing: &product.listings[&kind], state, request, request_id };
    match kind {
        Kind::Resources => list_resources::answer(&call),
        Kind::Tags => list_tag_resources::answer(&call),
        Kind::Regions => list_regions::answer(&call),
        Kind::TagPairs => list_tags::answer(&call),
    }
}

/// The answer of HBase to a request that needs no signature, or the code of the refusal.
#[cfg(test)]
fn ask(state: &State, action: &str, parameters: &[(&str, &str)]) -> Result<serde_json::Value, String> {
    ask_version(state, "2019-01-01", action, parameters)
}

/// The same of any product.
#[cfg(test)]
fn ask_version(
    state: &State,
    version: &str,
    action: &str,
    parameters: &[(&str, &str)],
) -> Result<serde_json::Value, String> {
    let common = [("Action", action), ("Version", version)];
    let all: Vec<_> = common.into_iter().chain(parameters.iter().copied()).collect();
    let request = Request::from_parameters("POST", &all);
    let answer = Operation::of(state, &request).and_then(|operation| match operation {
        Operation::List(product, kind) => list(&product, kind, state, &request, "id"),
        other => Err(CloudError::internal(format!("{other:?} is no listing"))),
    });
    answer.map(|body| serde_json::from_str(&body).unwrap()).map_err(|error| error.code)
}

#[cfg(test)]
mod product_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_known_by_name_and_version() {
        let operation = |action, version| {
            let request = Request::from_parameters("GET", &[("Action", action), ("Version", version)]);
            Operation::of(&State::default(), &request).map_err(|error| error.code)
        };
        let listed = operation("ListTags", "2019-01-01").unwrap();
        let Operation::List(product, Kind::TagPairs) = listed else { panic!("{listed:?}") };
        assert_eq!(product.name(), "hbase");
        assert_eq!(operation("ListTags", "2000-01-01").unwrap_err(), "InvalidVersion");
        assert_eq!(operation("DeleteInstance", "2019-01-01").unwrap_err(), "InvalidAction.NotFound");
        assert_eq!(operation("DescribeInstances", STS_VERSION).unwrap_err(), "InvalidAction.NotFound");
        assert_eq!(operation("", "2019-01-01").unwrap_err(), "MissingAction");
    }
}
