//! A URI that answers with credentials, for example of a sidecar.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use super::error::{Cause, Missed};
use super::session::{Credentials, credentials_with_code};
use super::transport::Transport;
use crate::cloud::api::endpoint::is_loopback;

/// A credentials URI: `https`, or on this machine. It may hold a secret and is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialsUri(Url);

const PATIENCE: Duration = Duration::from_secs(5);

impl CredentialsUri {
    /// The problem is a text that does not repeat the URI.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not a valid URI: {error}"))?;
        let plain_is_fine = url.scheme() == "http" && is_loopback(&url);
        match url.scheme() == "https" || plain_is_fine {
            true => Ok(Self(url)),
            false => {
                Err("must start with https:// (http:// is allowed only for loopback addresses)".to_owned())
            }
        }
    }

    pub async fn obtain(&self, transport: &Transport) -> Result<Credentials, Missed> {
        let answer = transport.ask(transport.direct.get(self.0.clone()), PATIENCE).await;
        match answer.map_err(Missed::final_one)? {
            (StatusCode::OK, text) => credentials_with_code(&text),
            (status, _) => {
                Err(Missed::failed(Cause::Refused, format!("the answer had HTTP status {status}")))
            }
        }
    }
}

impl fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsUri([REDACTED])")
    }
}
