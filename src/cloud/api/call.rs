//! What is asked of the cloud, and what signs it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::error::{ApiError, ErrorKind, word};

/// What signs a request. Temporary credentials also carry a security token.
#[derive(Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: SecretString,
    pub security_token: Option<SecretString>,
}

impl PartialEq for AccessKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && is_same_secret(Some(&self.secret), Some(&other.secret))
            && is_same_secret(self.security_token.as_ref(), other.security_token.as_ref())
    }
}

/// Whether two secrets, which may be absent, are the same. For what is ours only: the time it takes depends on them.
pub fn is_same_secret(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(SecretString::expose_secret) == other.map(SecretString::expose_secret)
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey([REDACTED])")
    }
}

/// One operation with its own parameters; sorted by construction, which is the canonical order.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The product as RAM policies name it, e.g. `hbase`.
    pub product: &'a str,
    pub action: &'a str,
    pub version: &'a str,
    pub region: &'a str,
    pub parameters: BTreeMap<String, String>,
}

/// Everything about a request that is not determined by its call.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub now: Timestamp,
    /// Unique for each attempt: the cloud refuses one that it has seen.
    pub nonce: String,
}

impl Stamp {
    pub fn fresh() -> Self {
        Self { now: crate::clock::now(), nonce: Uuid::new_v4().to_string() }
    }
}

impl Call<'_> {
    pub fn error(&self, kind: ErrorKind, request_id: Option<&str>) -> ApiError {
        ApiError {
            product: self.product.to_owned(),
            permission: None,
            action: self.action.to_owned(),
            region: self.region.to_owned(),
            request_id: request_id.and_then(word),
            kind,
        }
    }
}
