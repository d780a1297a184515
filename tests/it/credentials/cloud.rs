//! `cloud.toml`: the state of the cloud in a case.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use simulator::{AccessKey, Fault, FaultRule, Instance, Role, State, synthetic};

/// The cloud as a case describes it. There is always a region with clusters, and the key of another account.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudFile {
    keys: Vec<Key>,
    roles: Vec<RoleRow>,
    oidc_tokens: Vec<OidcToken>,
    instance: Option<InstanceRow>,
    faults: Vec<FaultRow>,
    /// In seconds.
    session_lifetime: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    secret: String,
    token: Option<String>,
    #[serde(default)]
    ended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRow {
    arn: String,
    trusted: Vec<String>,
    external_id: Option<String>,
    #[serde(default)]
    max_session: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OidcToken {
    token: String,
    provider: String,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InstanceRow {
    role: Option<String>,
    sessions: bool,
    version_1: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRow {
    action: String,
    kind: String,
    body: Option<String>,
    times: Option<u32>,
}

impl Default for InstanceRow {
    fn default() -> Self {
        Self { role: Some("exporter-role".to_owned()), sessions: true, version_1: true }
    }
}

/// The ARN of the user whom a key with this id belongs to.
pub fn user(id: &str) -> String {
    format!("acs:ram::1234567890123456:user/{id}")
}

impl CloudFile {
    pub fn state(self) -> State {
        let mut state = synthetic(1, 3, 2);
        state.record = true;
        for Key { id, secret, token, ended } in self.keys {
            let key = match token {
                Some(token) => AccessKey::temporary(&secret, &token),
                None => AccessKey::long_term(&secret),
            };
            let expiration = ended.then(|| Timestamp::now() - SignedDuration::from_hours(1));
            state.access_keys.insert(id.clone(), AccessKey { arn: user(&id), expiration, ..key });
        }
        for RoleRow { arn, trusted, external_id, max_session } in self.roles {
            let trusts = |id: String| if id.starts_with("acs:") { id } else { user(&id) };
            let trusted = trusted.into_iter().map(trusts).collect();
            state.sts.roles.insert(arn, Role { trusted, external_id, max_session });
        }
        state.sts.oidc_tokens = self.oidc_tokens.into_iter().map(|row| (row.token, row.provider)).collect();
        state.sts.instance = self.instance.map(|InstanceRow { role, sessions, version_1 }| Instance {
            role_name: role.filter(|name| !name.is_empty()),
            sessions,
            version_1,
        });
        state.sts.lifetime = self.session_lifetime.map(SignedDuration::from_secs);
        state.faults = self.faults.into_iter().map(FaultRow::rule).collect();
        state
    }
}

impl FaultRow {
    fn rule(self) -> FaultRule {
        let fault = match self.kind.as_str() {
            "hangs" => Fault::Slow(Duration::from_secs(60)),
            "503" => Fault::Status(503),
            "aborts" => Fault::Abort,
            "html" => Fault::HtmlOk,
            "cut" => Fault::CutJson,
            "redirect" => Fault::Redirect("http://127.0.0.1:9/hidden".to_owned()),
            "long" => Fault::Body("x".repeat(65 << 10)),
            "body" => Fault::Body(self.body.unwrap()),
            code => Fault::Code { status: 403, code: code.to_owned() },
        };
        FaultRule { action: Some(self.action), times: self.times, ..FaultRule::of(fault) }
    }
}
