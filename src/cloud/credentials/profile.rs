//! A profile of the official CLI's file, `~/.aliyun/config.json`.
//!
//! Modes and keys: the official credentials SDK for Python, 1.0.12, `provider/cli_profile.py`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::context::Context;
use super::error::{Cause, Missed};
use super::files::Files;
use super::grant::Grant;
use super::oidc::Oidc;
use super::role::{AssumeRole, DURATION, Role};
use super::transport::StsHost;
use crate::cloud::api::AccessKey;

/// Which profile of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileOf {
    pub file: PathBuf,
    /// `None` = the file's `current`.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    current: Option<String>,
    profiles: Option<Vec<Profile>>,
}

#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
    mode: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<SecretString>,
    sts_token: Option<SecretString>,
    ram_role_arn: Option<String>,
    ram_session_name: Option<String>,
    role_session_name: Option<String>,
    expired_seconds: Option<u64>,
    policy: Option<String>,
    external_id: Option<SecretString>,
    sts_region: Option<String>,
    enable_vpc: Option<bool>,
    ram_role_name: Option<String>,
    oidc_provider_arn: Option<String>,
    oidc_token_file: Option<PathBuf>,
    source_profile: Option<String>,
}

/// Profiles that name each other go on for ever.
const MAX_CHAIN: usize = 8;

impl ProfileOf {
    pub async fn find(&self, files: &Files, context: &Context) -> Result<Grant, Missed> {
        let text = files.read(&self.file).await?;
        let document: Document = serde_json::from_str(&text).map_err(|error| {
            let (file, line, column) = (self.file.display(), error.line(), error.column());
            let text = format!("{file} is not a valid CLI configuration: line {line}, column {column}");
            Missed::failed(Cause::Malformed, text)
        })?;
        let name = self.name.as_deref().or(document.current.as_deref()).unwrap_or_default();
        let reading = Reading { file: &self.file, document: &document, context };
        if reading.profile(name).is_none() {
            let text = format!("no profile {name:?} in {}", self.file.display());
            return Err(Missed::NotConfigured(text));
        }
        reading.grant(name, MAX_CHAIN)
    }
}

struct Reading<'a> {
    file: &'a Path,
    document: &'a Document,
    context: &'a Context,
}

impl Reading<'_> {
    fn profile(&self, name: &str) -> Option<&Profile> {
        let mut profiles = self.document.profiles.iter().flatten();
        profiles.find(|profile| profile.name.as_deref() == Some(name))
    }

    fn grant(&self, name: &str, longest: usize) -> Result<Grant, Missed> {
        let wrong = |what: &str| {
            let text = format!("the profile {name:?} in {} {what}", self.file.display());
            Missed::failed(Cause::Malformed, text)
        };
        let profile = self.profile(name).ok_or_else(|| wrong("does not exist"))?;
        let needed =
            |value: &Option<String>, key: &str| given(value).ok_or_else(|| wrong(&format!("has no {key}")));
        match profile.mode.as_deref().unwrap_or_default() {
            "AK" if profile.is_blank() => {
                let text = format!("the profile {name:?} in {} is not filled in", self.file.display());
                Err(Missed::NotConfigured(text))
            }
            "AK" => profile.key(None).map_err(|what| wrong(&what)).map(Grant::Key),
            "StsToken" => {
                let token = profile.sts_token.clone().ok_or_else(|| wrong("has no sts_token"))?;
                profile.key(Some(token)).map_err(|what| wrong(&what)).map(Grant::Key)
            }
            "RamRoleArn" => {
                let base = Grant::Key(profile.key(None).map_err(|what| wrong(&what))?);
                Ok(self.assume(profile, needed(&profile.ram_role_arn, "ram_role_arn")?, base))
            }
            "ChainableRamRoleArn" => {
                let arn = needed(&profile.ram_role_arn, "ram_role_arn")?;
                let source = needed(&profile.source_profile, "source_profile")?;
                let left = longest
                    .checked_sub(1)
                    .ok_or_else(|| wrong("is part of a chain of more than 8 profiles"))?;
                let base = self.grant(&source, left).map_err(Missed::final_one)?;
                Ok(self.assume(profile, arn, base))
            }
            "EcsRamRole" => self.context.ecs_ram_role(given(&profile.ram_role_name)).map(Grant::EcsRamRole),
            "OIDC" => {
                let arn = needed(&profile.ram_role_arn, "ram_role_arn")?;
                let provider_arn = needed(&profile.oidc_provider_arn, "oidc_provider_arn")?;
                let token_file = profile.oidc_token_file.clone();
                let token_file = token_file.ok_or_else(|| wrong("has no oidc_token_file"))?;
                let role = self.role(profile, arn, &profile.role_session_name);
                Ok(Grant::Oidc(Oidc { role, provider_arn, token_file, host: self.host(profile) }))
            }
            mode => Err(wrong(&format!("has the unsupported mode {mode:?}"))),
        }
    }

    fn assume(&self, profile: &Profile, arn: String, base: Grant) -> Grant {
        let role = self.role(profile, arn, &profile.ram_session_name);
        let (external_id, host) = (profile.external_id.clone(), self.host(profile));
        Grant::AssumeRole(Box::new(AssumeRole { base, role, external_id, host }))
    }

    fn role(&self, profile: &Profile, arn: String, session_name: &Option<String>) -> Role {
        Role {
            arn,
            session_name: given(session_name).unwrap_or_else(|| self.context.session_name()),
            duration: profile.expired_seconds.filter(|n| *n > 0).map_or(DURATION, Duration::from_secs),
            policy: given(&profile.policy),
        }
    }

    fn host(&self, profile: &Profile) -> StsHost {
        let default = self.context.sts_host();
        StsHost {
            region: given(&profile.sts_region).or(default.region),
            vpc: profile.enable_vpc.or(default.vpc),
        }
    }
}

impl Profile {
    /// As `aliyun configure` leaves it when nothing is typed.
    fn is_blank(&self) -> bool {
        given(&self.access_key_id).is_none() && !self.access_key_secret.as_ref().is_some_and(is_given)
    }

    fn key(&self, security_token: Option<SecretString>) -> Result<AccessKey, String> {
        let id = given(&self.access_key_id).ok_or("has no access_key_id")?;
        let secret = self.access_key_secret.clone().filter(is_given).ok_or("has no access_key_secret")?;
        Ok(AccessKey { id, secret, security_token })
    }
}

fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|text| !text.is_empty())
}

fn is_given(secret: &SecretString) -> bool {
    !secret.expose_secret().is_empty()
}
