//! The role of the ECS instance that this runs on, from its metadata server.
//!
//! Source: the official credentials SDK for Python, 1.0.12.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use url::Url;

use super::error::{Cause, Missed};
use super::session::{Credentials, credentials_with_code};
use super::transport::Transport;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsRamRole {
    pub metadata: Url,
    /// `None` = the one that the metadata server names.
    pub role_name: Option<String>,
    /// Whether the metadata server is asked without a session, where it gives none (its version 1).
    pub version_1: bool,
}

/// The metadata server of every ECS instance.
pub const METADATA: &str = "http://100.100.100.200/";

const PATIENCE: Duration = Duration::from_secs(1);
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";
const SESSIONS: &str = "/latest/api/token";
const SESSION: &str = "X-aliyun-ecs-metadata-token";
const SESSION_TTL: &str = "X-aliyun-ecs-metadata-token-ttl-seconds";
/// The longest that the metadata server grants.
const SESSION_SECONDS: &str = "21600";

impl EcsRamRole {
    pub async fn obtain(&self, transport: &Transport) -> Result<Credentials, Missed> {
        let session = self.session(transport).await?;
        let role = match &self.role_name {
            Some(role) => role.clone(),
            None => self.role_name(transport, session.as_deref()).await?,
        };
        match self.get(transport, &role, session.as_deref()).await? {
            (StatusCode::OK, text) => credentials_with_code(&text),
            (StatusCode::NOT_FOUND, _) => {
                let text = format!("the metadata server has no role {role:?} for this instance");
                Err(Missed::failed(Cause::Refused, text))
            }
            (status, _) => Err(refused(status)),
        }
    }

    /// The token of a session with the metadata server; `None` to ask without one.
    async fn session(&self, transport: &Transport) -> Result<Option<String>, Missed> {
        let request = transport.direct.request(Method::PUT, self.url(SESSIONS));
        let request = request.header(SESSION_TTL, SESSION_SECONDS);
        let missed = match transport.ask(request, PATIENCE).await {
            Ok((StatusCode::OK, token)) => return Ok(Some(token)),
            Ok((status, _)) => refused(status),
            Err(Missed::NotConfigured(problem)) => {
                return Err(Missed::NotConfigured(format!("no metadata server: {problem}")));
            }
            Err(missed) => missed,
        };
        match self.version_1 {
            true => Ok(None),
            false => {
                Err(missed.within("the metadata server issued no session token, and version 1 is disabled"))
            }
        }
    }

    async fn role_name(&self, transport: &Transport, session: Option<&str>) -> Result<String, Missed> {
        match self.get(transport, "", session).await? {
            (StatusCode::OK, text) => {
                let name = text.trim();
                let is_name = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                match !name.is_empty() && name.bytes().all(is_name) {
                    true => Ok(name.to_owned()),
                    false => {
                        Err(Missed::failed(Cause::Malformed, "the metadata server returned no role name"))
                    }
                }
            }
            (StatusCode::NOT_FOUND, _) => {
                Err(Missed::NotConfigured("no RAM role is attached to this instance".to_owned()))
            }
            (status, _) => Err(refused(status)),
        }
    }

    async fn get(
        &self,
        transport: &Transport,
        role: &str,
        session: Option<&str>,
    ) -> Result<(StatusCode, String), Missed> {
        let mut request = transport.direct.get(self.url(&format!("{ROLES}{role}")));
        if let Some(token) = session {
            request = request.header(SESSION, token);
        }
        transport.ask(request, PATIENCE).await.map_err(|missed| missed.within("the metadata server"))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.metadata.clone();
        url.set_path(path);
        url
    }
}

fn refused(status: StatusCode) -> Missed {
    Missed::failed(Cause::Refused, format!("the metadata server answered with HTTP status {status}"))
}
