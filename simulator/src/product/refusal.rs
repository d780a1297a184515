//! The codes that a product refuses with.

use serde::Deserialize;

use crate::error::CloudError;

/// Status and code, written `404 InvalidRegionId.NotFound`. `{parameter}` in the code is the name of the parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Refusal {
    status: u16,
    code: String,
}

/// One for each reason. Those that a product does not name are NAS's or the gateway's, or where the cloud is silent
/// the simulator's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Refusals {
    pub denied: Refusal,
    pub duplicate_id: Refusal,
    pub duplicate_tag_key: Refusal,
    pub empty_tag_key: Refusal,
    pub invalid: Refusal,
    pub missing: Refusal,
    pub no_ids_or_tags: Refusal,
    pub too_many_ids: Refusal,
    pub too_many_tags: Refusal,
    pub unknown_parameter: Refusal,
    pub unknown_region: Refusal,
    pub wrong_token: Refusal,
}

impl Refusal {
    pub fn error(&self, message: impl Into<String>) -> CloudError {
        CloudError::new(self.status, &self.code, message)
    }

    pub fn about(&self, parameter: &str, message: impl Into<String>) -> CloudError {
        CloudError::new(self.status, &self.code.replace("{parameter}", parameter), message)
    }

    fn bad(code: &str) -> Self {
        Self { status: 400, code: code.to_owned() }
    }
}

impl TryFrom<String> for Refusal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (status, code) = text.split_once(' ')?;
            let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
            Some(Self { status, code: code.to_owned() })
        };
        parse().ok_or_else(|| format!("{text:?} is not a status and a code (example: 404 Instance.NotFound)"))
    }
}

impl Refusals {
    /// A parameter that the request needs is absent or empty.
    pub fn missing(&self, parameter: &str) -> CloudError {
        self.missing.about(parameter, CloudError::missing(parameter).message)
    }

    /// A parameter has a value that it cannot have.
    pub fn invalid(&self, parameter: &str, why: &str) -> CloudError {
        self.invalid.about(parameter, CloudError::invalid(parameter, why).message)
    }
}

impl Default for Refusals {
    fn default() -> Self {
        let not_found = |code: &str| Refusal { status: 404, code: code.to_owned() };
        Self {
            denied: Refusal { status: 403, code: "Forbidden.RAM".to_owned() },
            duplicate_id: Refusal::bad("Duplicate.ResourceId"),
            duplicate_tag_key: Refusal::bad("Duplicate.TagKey"),
            empty_tag_key: Refusal::bad("InvalidParameter.TagKey"),
            invalid: Refusal::bad("InvalidParameter.{parameter}"),
            missing: Refusal::bad("Missing{parameter}"),
            no_ids_or_tags: Refusal::bad("MissingParameter.ResourceIdOrTag"),
            too_many_ids: Refusal::bad("NumberExceed.ResourceIds"),
            too_many_tags: Refusal::bad("NumberExceed.Tags"),
            unknown_parameter: Refusal::bad("InvalidParameter.Unknown"),
            unknown_region: not_found("InvalidRegionId.NotFound"),
            wrong_token: Refusal::bad("InvalidNextToken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_status_and_a_code() {
        let refusal = Refusal::try_from("404 Missing{parameter}".to_owned()).unwrap();
        let error = refusal.about("RegionId", "");
        assert_eq!((error.status, error.code.as_str()), (404, "MissingRegionId"));
        for text in ["NotFound", "200 Fine", "x NotFound"] {
            assert!(Refusal::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
