//! Errors as the cloud answers them.

use serde::Serialize;

/// A refused request: HTTP status, code and message. Clients go by the code.
#[derive(Debug, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(super) struct CloudError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// `x-acs-retry-after`, by which the official SDKs know throttling.
    pub retry_after_ms: Option<u64>,
}

/// The JSON of an error, seen from the cloud's gateway.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody<'a> {
    request_id: &'a str,
    host_id: &'a str,
    code: &'a str,
    message: &'a str,
    recommend: String,
}

impl CloudError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), retry_after_ms: None }
    }

    /// 400, as nearly all errors about parameters.
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// A parameter that the request needs is absent or empty.
    pub fn missing(parameter: &str) -> Self {
        let message = format!(
            "The input parameter \"{parameter}\" that is mandatory for this request is not supplied."
        );
        Self::bad(&format!("Missing{parameter}"), message)
    }

    /// A parameter has a value that it cannot have.
    pub fn invalid(parameter: &str, why: &str) -> Self {
        Self::bad(
            &format!("InvalidParameter.{parameter}"),
            format!("The parameter {parameter} is not valid: {why}."),
        )
    }

    /// Something in the simulator itself went wrong.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalError", format!("The simulator failed: {what}."))
    }

    pub fn body(&self, host: &str, request_id: &str) -> String {
        let body = ErrorBody {
            request_id,
            host_id: host,
            code: &self.code,
            message: &self.message,
            recommend: format!("https://api.aliyun.com/troubleshoot?q={}", self.code),
        };
        // Five strings always serialise.
        serde_json::to_string(&body).unwrap_or_default()
    }
}
