//! Where access keys come from.

use secrecy::{ExposeSecret as _, SecretString};

use crate::api::AccessKey;

/// The source of one account's credentials.
#[derive(Debug)]
pub enum Provider {
    /// Given in the configuration.
    Static(AccessKey),
    /// The variables of the official SDKs, read once at start: `ALIBABA_CLOUD_ACCESS_KEY_ID`,
    /// `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary credentials, `ALIBABA_CLOUD_SECURITY_TOKEN`.
    Environment(Environment),
}

/// The credential variables as found; an empty one counts as absent, as in the official SDKs.
#[derive(Debug, Default)]
pub struct Environment {
    pub access_key_id: Option<SecretString>,
    pub access_key_secret: Option<SecretString>,
    pub security_token: Option<SecretString>,
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("tried the environment, where {0} is not set")]
    NotInEnvironment(&'static str),
}

impl CredentialsError {
    /// The kind in one word: a label value.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotInEnvironment(_) => REASON_NOT_FOUND,
        }
    }
}

/// No source has credentials.
pub const REASON_NOT_FOUND: &str = "not_found";

const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

impl Provider {
    /// The key to sign the next request with.
    pub fn access_key(&self) -> Result<AccessKey, CredentialsError> {
        match self {
            Self::Static(key) => Ok(key.clone()),
            Self::Environment(environment) => environment.access_key(),
        }
    }
}

impl Environment {
    /// Reads the variables by `lookup`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name| lookup(name).filter(|text| !text.is_empty()).map(SecretString::from);
        Self {
            access_key_id: read(ACCESS_KEY_ID),
            access_key_secret: read(ACCESS_KEY_SECRET),
            security_token: read(SECURITY_TOKEN),
        }
    }

    fn access_key(&self) -> Result<AccessKey, CredentialsError> {
        let id = self.access_key_id.as_ref();
        let secret = self.access_key_secret.clone();
        Ok(AccessKey {
            id: id.ok_or(CredentialsError::NotInEnvironment(ACCESS_KEY_ID))?.expose_secret().to_owned(),
            secret: secret.ok_or(CredentialsError::NotInEnvironment(ACCESS_KEY_SECRET))?,
            security_token: self.security_token.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(variables: &[(&str, &str)]) -> Result<AccessKey, CredentialsError> {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Provider::Environment(Environment::read(lookup)).access_key()
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        assert!(key(&[]).unwrap_err().to_string().contains(ACCESS_KEY_ID));
        let half = [(ACCESS_KEY_ID, "id"), (ACCESS_KEY_SECRET, "")];
        assert!(key(&half).unwrap_err().to_string().contains(ACCESS_KEY_SECRET));
    }

    #[test]
    fn the_security_token_is_optional_and_nothing_is_printed() {
        let long = [(ACCESS_KEY_ID, "id"), (ACCESS_KEY_SECRET, "hidden"), (SECURITY_TOKEN, "hidden")];
        assert!(key(&long[..2]).unwrap().security_token.is_none());
        let key = key(&long).unwrap();
        assert!(key.security_token.is_some());
        assert_eq!(format!("{key:?}"), "AccessKey([REDACTED])");
        let provider = Provider::Environment(Environment::read(|_| Some("hidden".to_owned())));
        assert!(!format!("{provider:?}").contains("hidden"));
    }
}
