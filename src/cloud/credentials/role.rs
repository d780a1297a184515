//! The role that is assumed, and what is asked for with it.

use std::time::Duration;

use secrecy::SecretString;

use super::transport::StsHost;
use crate::cloud::api::is_same_secret;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub arn: String,
    /// Stands in the audit log of the account.
    pub session_name: String,
    pub duration: Duration,
    /// Limits the rights of the session further: a RAM policy in JSON.
    pub policy: Option<String>,
}

/// A role that is assumed with other credentials: those of a source as configured, or of a grant.
#[derive(Debug, Clone)]
pub struct AssumeRole<Base> {
    pub base: Base,
    pub role: Role,
    pub external_id: Option<SecretString>,
    pub host: StsHost,
}

pub const SESSION_NAME: &str = "alicloud-tag-exporter";
pub const DURATION: Duration = Duration::from_secs(3600);
/// Of STS.
pub const MIN_DURATION: Duration = Duration::from_secs(900);

impl Role {
    /// The role with the defaults of everything else.
    pub fn new(arn: String) -> Self {
        Self { arn, session_name: SESSION_NAME.to_owned(), duration: DURATION, policy: None }
    }

    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("RoleArn", self.arn.clone()),
            ("RoleSessionName", self.session_name.clone()),
            ("DurationSeconds", self.duration.as_secs().to_string()),
        ];
        parameters.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        parameters
    }
}

impl<Base> AssumeRole<Base> {
    /// The same role with another base.
    pub(super) fn with_base<Other>(&self, base: Other) -> AssumeRole<Other> {
        let Self { role, external_id, host, .. } = self;
        AssumeRole { base, role: role.clone(), external_id: external_id.clone(), host: host.clone() }
    }
}

impl<Base: PartialEq> PartialEq for AssumeRole<Base> {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base
            && self.role == other.role
            && self.host == other.host
            && is_same_secret(self.external_id.as_ref(), other.external_id.as_ref())
    }
}
