//! What an answer that holds credentials says. Pure, but for the time.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::error::{Cause, Missed};
use crate::cloud::api::{AccessKey, ApiError, ErrorKind};

/// Credentials, and when they end.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub key: AccessKey,
    pub expiration: Timestamp,
}

/// Credentials as STS, the metadata server and a credentials URI write them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    access_key_id: String,
    access_key_secret: SecretString,
    security_token: SecretString,
    expiration: Timestamp,
}

/// Reads credentials; what stands in their place is not repeated.
pub fn credentials(answer: &Value) -> Result<Credentials, Missed> {
    let field = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    for name in ["AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration"] {
        if field(name).is_none() {
            return Err(Missed::failed(Cause::Malformed, format!("the answer has no {name}")));
        }
    }
    let written = Written::deserialize(answer);
    let Written { access_key_id, access_key_secret, security_token, expiration } = written
        .map_err(|_| Missed::failed(Cause::Malformed, "the Expiration in the answer is not a valid time"))?;
    if expiration <= crate::clock::now() {
        let text = "the credentials in the answer have expired; check the clock of this machine";
        return Err(Missed::failed(Cause::Expired, text));
    }
    let key =
        AccessKey { id: access_key_id, secret: access_key_secret, security_token: Some(security_token) };
    Ok(Credentials { key, expiration })
}

/// The same, in the JSON of the metadata server or a credentials URI, which says how it went.
pub fn credentials_with_code(text: &str) -> Result<Credentials, Missed> {
    let answer: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Missed::failed(
            Cause::Malformed,
            format!("the answer is not valid JSON: line {line}, column {column}"),
        )
    })?;
    match answer.get("Code").and_then(Value::as_str) {
        Some("Success") => credentials(&answer),
        _ => Err(Missed::failed(Cause::Refused, "the answer lacks \"Code\": \"Success\"")),
    }
}

/// A refusal of STS, or that it did not answer.
pub fn sts_missed(error: &ApiError) -> Missed {
    let reason = match error.kind {
        ErrorKind::Transport { .. } | ErrorKind::Unavailable { .. } | ErrorKind::Throttled { .. } => {
            Cause::Unreachable
        }
        ErrorKind::Undecodable { .. } => Cause::Malformed,
        _ => Cause::Refused,
    };
    Missed::failed(reason, error.to_string())
}
