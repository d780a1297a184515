//! What goes back to the client, before it meets the network.

use std::time::Duration;

use super::error::CloudError;
use super::request::Request;

/// An answer, and how the network treats it.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// The cloud's error code, absent on success.
    pub code: Option<String>,
    pub content_type: &'static str,
    pub retry_after_ms: Option<u64>,
    pub location: Option<String>,
    pub request_id: String,
    pub body: String,
    pub delay: Duration,
    pub delivery: Delivery,
}

/// How much of an answer arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    Whole,
    /// All headers, and half of the body that they announce.
    BreaksOff,
    /// Nothing: the connection closes.
    Never,
}

impl Answer {
    pub fn json(status: u16, request_id: &str, body: String) -> Self {
        Self {
            status,
            code: None,
            content_type: "application/json;charset=utf-8",
            retry_after_ms: None,
            location: None,
            request_id: request_id.to_owned(),
            body,
            delay: Duration::ZERO,
            delivery: Delivery::Whole,
        }
    }

    pub fn html(status: u16, request_id: &str, body: &str) -> Self {
        Self { content_type: "text/html", ..Self::json(status, request_id, body.to_owned()) }
    }

    pub fn error(error: &CloudError, request: &Request, request_id: &str) -> Self {
        Self {
            code: Some(error.code.clone()),
            retry_after_ms: error.retry_after_ms,
            ..Self::json(error.status, request_id, error.body(&request.host, request_id))
        }
    }
}

/// The body of a successful answer.
pub(super) fn to_json(answer: &impl serde::Serialize) -> Result<String, CloudError> {
    serde_json::to_string(answer).map_err(CloudError::internal)
}
