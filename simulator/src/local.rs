//! What runs beside an exporter and gives it credentials: the metadata server of its ECS instance, and a URI.
//!
//! Paths and headers: the official credentials SDK for Python, 1.0.12.

use jiff::Timestamp;
use serde::Serialize;

use super::error::CloudError;
use super::request::Request;
use super::state::State;
use super::sts::{Instance, Issued};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum LocalSource {
    /// A session with the metadata server is asked for.
    Session,
    /// The name of the role; or its credentials.
    Role(String),
    Uri,
}

const SESSION: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";
const URI: &str = "/credentials";
const SESSION_HEADER: &str = "x-aliyun-ecs-metadata-token";
const SESSION_SECONDS: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
/// The only session that is given; it does not end while the simulator runs.
const SESSION_TOKEN: &str = "metadata-session-token";
const SIX_HOURS: u64 = 6 * 3600;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    code: &'static str,
    last_updated: String,
    #[serde(flatten)]
    issued: Issued,
}

impl LocalSource {
    pub fn of(request: &Request) -> Option<Self> {
        match (request.path.as_str(), request.path.strip_prefix(ROLES)) {
            (SESSION, _) => Some(Self::Session),
            (URI, _) => Some(Self::Uri),
            (_, Some(role)) => Some(Self::Role(role.to_owned())),
            _ => None,
        }
    }

    pub fn run(self, state: &mut State, request: &Request, now: Timestamp) -> Result<String, CloudError> {
        if self == Self::Uri {
            return credentials(state, "uri", now);
        }
        let not_found = || CloudError::new(404, "NotFound", "There is no such path.");
        let instance = state.sts.instance.clone().ok_or_else(not_found)?;
        match self {
            Self::Session => session(&instance, request),
            Self::Role(role) => {
                check_session(&instance, request)?;
                let name = instance.role_name.ok_or_else(not_found)?;
                match role.as_str() {
                    "" => Ok(name),
                    role if role == name => credentials(state, role, now),
                    _ => Err(not_found()),
                }
            }
            Self::Uri => Err(not_found()),
        }
    }
}

fn session(instance: &Instance, request: &Request) -> Result<String, CloudError> {
    let seconds = request.header(SESSION_SECONDS).and_then(|text| text.parse::<u64>().ok());
    match (instance.sessions, request.method.as_str(), seconds) {
        (false, ..) => Err(CloudError::new(404, "NotFound", "This instance gives no sessions.")),
        (true, "PUT", Some(1..=21_600)) => Ok(SESSION_TOKEN.to_owned()),
        _ => Err(CloudError::bad("BadRequest", "A session is asked for by PUT, for 1 to 21600 seconds.")),
    }
}

fn check_session(instance: &Instance, request: &Request) -> Result<(), CloudError> {
    let is_get = request.method == "GET";
    match request.header(SESSION_HEADER) {
        Some(SESSION_TOKEN) if instance.sessions && is_get => Ok(()),
        None if instance.version_1 && is_get => Ok(()),
        _ => Err(CloudError::new(403, "Forbidden", "A session is needed.")),
    }
}

fn credentials(state: &mut State, role: &str, now: Timestamp) -> Result<String, CloudError> {
    let issued = state.sts.issue(&mut state.access_keys, role, SIX_HOURS, now);
    let credentials = Credentials { code: "Success", last_updated: now.to_string(), issued };
    serde_json::to_string(&credentials).map_err(CloudError::internal)
}
