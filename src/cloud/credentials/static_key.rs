//! A key that is given in the configuration, its secret there too or in a file.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use super::error::{Cause, Missed};
use super::files::Files;
use super::grant::Grant;
use crate::cloud::api::{AccessKey, is_same_secret};

#[derive(Clone)]
pub struct StaticKey {
    pub id: String,
    pub secret: Secret,
    pub security_token: Option<SecretString>,
}

#[derive(Debug, Clone)]
pub enum Secret {
    Value(SecretString),
    /// Read for each request, so that a new secret counts at once. Line ends at its end are no part of it.
    File(PathBuf),
}

impl StaticKey {
    pub async fn find(&self, files: &Files) -> Result<Grant, Missed> {
        let secret = match &self.secret {
            Secret::Value(secret) => secret.clone(),
            Secret::File(path) => {
                let text = files.read(path).await.map_err(|missed| match missed {
                    Missed::NotConfigured(text) => Missed::failed(Cause::Unreadable, text),
                    failed => failed,
                })?;
                match text.trim_end_matches(['\r', '\n']) {
                    "" => {
                        let text = format!("{} is empty", path.display());
                        return Err(Missed::failed(Cause::Malformed, text));
                    }
                    secret => secret.into(),
                }
            }
        };
        let (id, security_token) = (self.id.clone(), self.security_token.clone());
        Ok(Grant::Key(AccessKey { id, secret, security_token }))
    }
}

impl PartialEq for StaticKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.secret == other.secret
            && is_same_secret(self.security_token.as_ref(), other.security_token.as_ref())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => is_same_secret(Some(one), Some(other)),
            (Self::File(one), Self::File(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKey").field("secret", &self.secret).finish_non_exhaustive()
    }
}
