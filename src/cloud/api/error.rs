//! What went wrong with one call to the cloud, one kind for each reaction.

use std::fmt;

use crate::inventory::Reason;
use std::time::Duration;

use serde_json::Value;

/// A call that gave no usable answer. Its text holds no URL, query, header or body.
#[derive(Debug, Clone, thiserror::Error)]
pub struct ApiError {
    /// The product as RAM policies name it.
    pub product: String,
    /// The RAM permission for the call, where it is not the product with the action.
    pub permission: Option<String>,
    pub action: String,
    pub region: String,
    /// The cloud's id of the request, for a support ticket.
    pub request_id: Option<String>,
    pub kind: ErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many requests: wait, at least as long as the cloud says, and try again.
    Throttled { code: String, retry_after: Option<Duration> },
    /// The credentials are known but lack a right: no retry, an administrator must act.
    Denied { code: String },
    /// There are no credentials to sign with: no retry.
    Credentials { problem: String },
    /// The cloud does not accept the key or its token: only newer ones can work.
    KeyRefused { code: String },
    /// The request is wrong in the cloud's eyes: no retry, the same request fails again.
    Rejected { code: String },
    /// The cloud has a problem of its own that passes: try again.
    Unavailable { code: String },
    /// No answer arrived: try again.
    Transport { problem: String },
    /// An answer that is not what the API promises: try again, never read it as "no resources".
    Undecodable { problem: String },
}

impl ApiError {
    /// Whether the same request, with a new nonce and timestamp, may work.
    pub fn is_transient(&self) -> bool {
        use ErrorKind::*;
        matches!(self.kind, Throttled { .. } | Unavailable { .. } | Transport { .. } | Undecodable { .. })
    }

    /// How long the cloud asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ErrorKind::Throttled { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// The cloud's error code, or the kind of the failure where there is none: a label value.
    pub fn code(&self) -> &str {
        use ErrorKind::*;
        match &self.kind {
            Throttled { code, .. }
            | Denied { code }
            | KeyRefused { code }
            | Rejected { code }
            | Unavailable { code } => code,
            Credentials { .. } | Transport { .. } | Undecodable { .. } => self.reason().name(),
        }
    }

    /// Whether newer credentials may make the same request work.
    pub fn is_key_refused(&self) -> bool {
        matches!(self.kind, ErrorKind::KeyRefused { .. })
    }

    /// Why a collection fails with it.
    pub fn reason(&self) -> Reason {
        use ErrorKind::*;
        match self.kind {
            Throttled { .. } => Reason::Throttled,
            Denied { .. } => Reason::Denied,
            Credentials { .. } | KeyRefused { .. } => Reason::Credentials,
            Rejected { .. } => Reason::Rejected,
            Unavailable { .. } => Reason::Unavailable,
            Transport { .. } => Reason::Transport,
            Undecodable { .. } => Reason::Undecodable,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, action, region, .. } = self;
        write!(f, "{action} in {region} {}", self.kind)?;
        if let ErrorKind::Denied { .. } = self.kind {
            match &self.permission {
                Some(permission) => write!(f, ", missing RAM permission {permission}")?,
                None => write!(f, ", missing RAM permission {product}:{action}")?,
            }
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled { code, .. } => write!(f, "was throttled: {code}"),
            Self::Denied { code } => write!(f, "was denied: {code}"),
            Self::Credentials { problem } => write!(f, "has no credentials: {problem}"),
            Self::KeyRefused { code } => {
                write!(f, "had its credentials refused: {code}")
            }
            Self::Rejected { code } if is_clock_code(code) => {
                write!(f, "was rejected: {code}, check the clock of this machine")
            }
            Self::Rejected { code } => write!(f, "was rejected: {code}"),
            Self::Unavailable { code } => write!(f, "failed on the server side: {code}"),
            Self::Transport { problem } => write!(f, "got no answer: {problem}"),
            Self::Undecodable { problem } => write!(f, "got an invalid answer: {problem}"),
        }
    }
}

/// Classifies an answer with an error status by its `Code`; the HTTP status decides only where the code is
/// unknown, because the documented ones differ from page to page and from what is observed.
pub fn classify(status: u16, retry_after: Option<Duration>, body: &[u8]) -> (ErrorKind, Option<String>) {
    let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let field = |name, other_spelling| {
        let text = answer.get(name).or_else(|| answer.get(other_spelling))?;
        word(text.as_str()?)
    };
    let code = field("Code", "code");
    let request_id = field("RequestId", "requestId");
    (kind_of(status, retry_after, code), request_id)
}

/// An answer with status 200 that says in itself that the request failed; `None` where it does not.
///
/// `decoded` is whether it has what was asked for: many answers carry a `Code` that means nothing then.
pub fn refusal(answer: &serde_json_borrow::Value<'_>, decoded: bool) -> Option<ErrorKind> {
    let failed = says_failed(answer);
    match (error_code(answer), failed) {
        (Some(code), _) if failed || !decoded => Some(kind_of(200, None, Some(code))),
        (None, true) => {
            Some(ErrorKind::Undecodable { problem: "it reports a failure without a code".to_owned() })
        }
        _ => None,
    }
}

/// The `Code` of an answer, where it is not one of those that mean success.
pub fn error_code(answer: &serde_json_borrow::Value<'_>) -> Option<String> {
    use serde_json_borrow::Value;
    let fields = answer.as_object()?;
    match fields.get("Code").or_else(|| fields.get("code"))? {
        Value::Str(text) if SUCCESS.iter().any(|good| text.eq_ignore_ascii_case(good)) => None,
        Value::Str(text) => word(text),
        number @ Value::Number(_) => number.as_i64().filter(|code| *code != 200).map(|code| code.to_string()),
        _ => None,
    }
}

fn says_failed(answer: &serde_json_borrow::Value<'_>) -> bool {
    use serde_json_borrow::Value;
    let is_false = |value: &Value<'_>| match value {
        Value::Bool(value) => !value,
        Value::Str(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    };
    let field = |name| answer.as_object().and_then(|fields| fields.get(name));
    ["Success", "IsSuccess"].into_iter().filter_map(field).any(is_false)
}

/// Values of `Code` in answers that worked.
const SUCCESS: [&str; 3] = ["200", "success", "OK"];

fn kind_of(status: u16, retry_after: Option<Duration>, code: Option<String>) -> ErrorKind {
    let named = code.clone().unwrap_or_default();
    let code = code.unwrap_or_else(|| format!("HTTP status {status}"));
    if retry_after.is_some() || status == 429 || starts_with_any(&named, THROTTLING) {
        ErrorKind::Throttled { code, retry_after }
    } else if starts_with_any(&named, CREDENTIALS) {
        ErrorKind::KeyRefused { code }
    } else if starts_with_any(&named, DENIED) {
        ErrorKind::Denied { code }
    } else if status >= 500 || starts_with_any(&named, UNAVAILABLE) {
        ErrorKind::Unavailable { code }
    } else {
        ErrorKind::Rejected { code }
    }
}

/// Prefixes of codes, from the cloud's common error pages and the official Terraform provider.
const THROTTLING: &[&str] = &["Throttling", "Rejected.Throttling"];
const CREDENTIALS: &[&str] = &[
    "InvalidAccessKeyId",
    "InvalidAccessKeySecret",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "Forbidden.AccessKeyDisabled",
    "MissingAccessKeyId",
    "InvalidSignatureMethod",
    "InvalidSecurityToken",
    "MissingSecurityToken",
];
const DENIED: &[&str] = &[
    "Forbidden",
    "Forbbiden", // sic: MongoDB's spelling
    "NoPermission",
    "StatusForbidden",
    "RealNameAuthenticationError",
];
/// `SignatureNonceUsed` is here because a new attempt carries a new nonce.
const UNAVAILABLE: &[&str] =
    &["InternalError", "InternalFailure", "ServiceUnavailable", "UnknownError", "SignatureNonceUsed"];

fn is_clock_code(code: &str) -> bool {
    starts_with_any(code, &["InvalidTimeStamp", "IllegalTimestamp"])
}

fn starts_with_any(code: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| code.starts_with(prefix))
}

/// A short word of an answer that is safe to print and to use as a label.
pub(super) fn word(text: &str) -> Option<String> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    ((1..=128).contains(&text.len()) && text.bytes().all(safe)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(status: u16, code: &str) -> &'static str {
        let body = format!(r#"{{"Code":"{code}","RequestId":"R-1","Message":"secret"}}"#);
        let (kind, request_id) = classify(status, None, body.as_bytes());
        let error = ApiError {
            product: "hbase".into(),
            permission: None,
            action: "A".into(),
            region: "r".into(),
            request_id,
            kind,
        };
        assert!(!error.to_string().contains("secret"), "{error}");
        error.reason().name()
    }

    #[test]
    fn codes_decide_and_the_status_only_where_the_code_is_unknown() {
        for (status, code, reason) in [
            (400, "Throttling", "throttled"),
            (400, "Throttling.User", "throttled"),
            (503, "Throttling.Api", "throttled"),
            (400, "Rejected.Throttling", "throttled"),
            (429, "Whatever", "throttled"),
            (404, "InvalidAccessKeyId.NotFound", "credentials"),
            (400, "SignatureDoesNotMatch", "credentials"),
            (403, "Forbidden.AccessKeyDisabled", "credentials"),
            (400, "InvalidSecurityToken.Expired", "credentials"),
            (403, "Forbidden.RAM", "denied"),
            (403, "Forbidden", "denied"),
            (400, "NoPermission", "denied"),
            (500, "InternalError", "unavailable"),
            (503, "ServiceUnavailable.RegionMaintaining", "unavailable"),
            (400, "UnknownError", "unavailable"),
            (400, "SignatureNonceUsed", "unavailable"),
            (502, "Brand.New", "unavailable"),
            (400, "InvalidTimeStamp.Expired", "rejected"),
            (404, "InvalidRegionId.NotFound", "rejected"),
            (400, "NumberExceed.ResourceIds", "rejected"),
            (403, "Brand.New", "rejected"),
        ] {
            assert_eq!(reason_of(status, code), reason, "{status} {code}");
        }
    }

    #[test]
    fn a_denied_call_names_the_missing_right() {
        let error = ApiError {
            product: "hbase".into(),
            permission: None,
            action: "ListTagResources".into(),
            region: "cn-hangzhou".into(),
            request_id: Some("R-1".into()),
            kind: ErrorKind::Denied { code: "Forbidden.RAM".into() },
        };
        let text = "ListTagResources in cn-hangzhou was denied: Forbidden.RAM, \
                    missing RAM permission hbase:ListTagResources (request id R-1)";
        assert_eq!(error.to_string(), text);
        let error = ApiError { permission: Some("hbase:ListTags".to_owned()), ..error };
        assert!(error.to_string().contains("missing RAM permission hbase:ListTags ("), "{error}");
    }

    #[test]
    fn a_code_in_an_answer_that_worked_counts_only_where_the_rest_says_so_too() {
        for (body, decoded, expected) in [
            (r#"{"Code":"Throttling.User"}"#, true, None),
            (r#"{"Code":"Throttling.User"}"#, false, Some("throttled")),
            (r#"{"Code":"Forbidden.RAM","Success":false}"#, true, Some("denied")),
            (r#"{"Code":"Forbidden.RAM","IsSuccess":"false"}"#, true, Some("denied")),
            (r#"{"Code":"InternalError","Success":true}"#, true, None),
            (r#"{"code":"InternalError"}"#, false, Some("unavailable")),
            (r#"{"Code":500}"#, false, Some("rejected")),
            (r#"{"Code":200}"#, false, None),
            (r#"{"Code":"200"}"#, false, None),
            (r#"{"Code":"success"}"#, false, None),
            (r#"{"Code":"OK"}"#, false, None),
            (r#"{"Code":"a b"}"#, false, None),
            (r#"{"Success":false}"#, true, Some("undecodable")),
            (r#"{"Success":true}"#, false, None),
        ] {
            let kind = refusal(&serde_json::from_str(body).unwrap(), decoded);
            let reason = kind.map(|kind| {
                let (product, action, region) = (String::new(), String::new(), String::new());
                ApiError { product, permission: None, action, region, request_id: None, kind }.reason()
            });
            assert_eq!(reason.map(Reason::name), expected, "{body} {decoded}");
        }
    }

    #[test]
    fn the_retry_after_header_makes_any_error_a_throttled_one() {
        let wait = Some(Duration::from_millis(1500));
        let (kind, _) = classify(503, wait, b"<html>busy</html>");
        assert_eq!(kind, ErrorKind::Throttled { code: "HTTP status 503".into(), retry_after: wait });
    }

    #[test]
    fn a_code_that_is_not_a_word_is_not_repeated() {
        let (kind, id) = classify(400, None, br#"{"Code":"a b\u001b[31m","RequestId":"x\ny"}"#);
        assert_eq!(kind, ErrorKind::Rejected { code: "HTTP status 400".into() });
        assert_eq!(id, None);
    }

    #[test]
    fn a_wrong_clock_is_named_as_the_cause() {
        let kind = ErrorKind::Rejected { code: "InvalidTimeStamp.Expired".into() };
        assert!(kind.to_string().ends_with("check the clock of this machine"));
    }
}
