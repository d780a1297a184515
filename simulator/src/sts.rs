//! The security token service: roles, who may assume them, and the sessions that it gives out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::access_key::AccessKey;

/// What STS knows. The sessions that it gives out are access keys of the cloud.
#[derive(Debug, Default)]
pub struct Sts {
    /// By ARN.
    pub roles: BTreeMap<String, Role>,
    /// What identity providers vouch for: the ARN of the provider, by token.
    pub oidc_tokens: BTreeMap<String, String>,
    /// How long sessions last, whatever was asked for.
    pub lifetime: Option<SignedDuration>,
    /// The instance whose metadata server is asked.
    pub instance: Option<Instance>,
    /// The number of sessions so far.
    pub(super) issued: u64,
}

/// A role, and whom it trusts.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// ARNs of users and of other roles, and of identity providers.
    pub trusted: Vec<String>,
    pub external_id: Option<String>,
    /// In seconds; 0 is the default of an hour.
    pub max_session: u64,
}

/// An ECS instance with a role.
#[derive(Clone, Debug)]
pub struct Instance {
    pub role_name: Option<String>,
    /// Whether it gives sessions, its version 2.
    pub sessions: bool,
    /// Whether it answers without one.
    pub version_1: bool,
}

/// A key that was given out, with the names that all answers have for its parts.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Issued {
    pub access_key_id: String,
    pub access_key_secret: String,
    pub security_token: String,
    pub expiration: String,
}

impl Default for Instance {
    fn default() -> Self {
        Self { role_name: Some("exporter-role".to_owned()), sessions: true, version_1: true }
    }
}

impl Sts {
    /// Gives out a session of `role`, an ARN or a name, which the cloud accepts until it ends.
    pub(super) fn issue(
        &mut self,
        access_keys: &mut BTreeMap<String, AccessKey>,
        role: &str,
        seconds: u64,
        now: Timestamp,
    ) -> Issued {
        self.issued += 1;
        let n = self.issued;
        let lifetime = self.lifetime.unwrap_or(SignedDuration::from_secs(seconds.cast_signed()));
        // Whole seconds, as they are written.
        let end = now.saturating_add(lifetime).unwrap_or(now).as_second();
        let expiration = Timestamp::from_second(end).unwrap_or(now);
        let (id, secret, token) =
            (format!("STS.sim{n:04}"), format!("session-secret-{n}"), format!("CAIS+/token{n}=="));
        let key = AccessKey {
            expiration: Some(expiration),
            arn: role.to_owned(),
            ..AccessKey::temporary(&secret, &token)
        };
        access_keys.insert(id.clone(), key);
        Issued {
            access_key_id: id,
            access_key_secret: secret,
            security_token: token,
            expiration: expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}
