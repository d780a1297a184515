//! The environment as credentials see it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::cloud::api::is_same_secret;

/// The variables of the official SDKs, read once at start. An empty one counts as absent, as it does there.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, SecretString>);

impl Variables {
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let ours = |name: &str| name == "HOME" || name.starts_with("ALIBABA_CLOUD_");
        let set = environment.iter().filter(|(name, value)| ours(name) && !value.is_empty());
        Self(set.map(|(name, value)| (name.clone(), value.as_str().into())).collect())
    }

    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.0.get(name).cloned()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.expose_secret().to_owned())
    }

    /// Whether the variable says `true`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.expose_secret().eq_ignore_ascii_case("true"))
    }

    /// A file below the home directory; `None` where `HOME` is not set.
    pub fn home_file(&self, path: &str) -> Option<PathBuf> {
        self.text("HOME").map(|home| PathBuf::from(home).join(path))
    }
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        let same = |((name, value), (other, text)): (_, (&String, &SecretString))| {
            name == other && is_same_secret(Some(value), Some(text))
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

pub const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
pub const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
pub const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
pub const ROLE_ARN: &str = "ALIBABA_CLOUD_ROLE_ARN";
pub const ROLE_SESSION_NAME: &str = "ALIBABA_CLOUD_ROLE_SESSION_NAME";
pub const OIDC_PROVIDER_ARN: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
pub const OIDC_TOKEN_FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
/// The name of a profile, in both files.
pub const PROFILE: &str = "ALIBABA_CLOUD_PROFILE";
/// Another place for the CLI's file, as in the official Go SDK.
pub const CONFIG_FILE: &str = "ALIBABA_CLOUD_CONFIG_FILE";
pub const CLI_PROFILE_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";
/// Another place for the INI file.
pub const CREDENTIALS_FILE: &str = "ALIBABA_CLOUD_CREDENTIALS_FILE";
/// The name of the instance's role.
pub const ECS_METADATA: &str = "ALIBABA_CLOUD_ECS_METADATA";
pub const ECS_METADATA_DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
pub const IMDSV1_DISABLED: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";
pub const CREDENTIALS_URI: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
pub const STS_REGION: &str = "ALIBABA_CLOUD_STS_REGION";
pub const VPC_ENDPOINT_ENABLED: &str = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED";
