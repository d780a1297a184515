//! What a source comes down to: a key, or who is asked for one.

use std::pin::Pin;

use secrecy::{ExposeSecret as _, SecretString};

use super::ecs_ram_role::EcsRamRole;
use super::error::Missed;
use super::files::Files;
use super::oidc::Oidc;
use super::role::Role;
use super::session::{Credentials, credentials, sts_missed};
use super::transport::{Reach, StsHost};
use super::uri::CredentialsUri;
use crate::cloud::api::AccessKey;

#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// Known without asking anybody, and without an end that is known.
    Key(AccessKey),
    EcsRamRole(EcsRamRole),
    Oidc(Oidc),
    Uri(CredentialsUri),
    AssumeRole(Box<AssumeRole>),
}

/// A role that is assumed with other credentials.
#[derive(Debug, Clone)]
pub struct AssumeRole {
    pub base: Grant,
    pub role: Role,
    pub external_id: Option<SecretString>,
    pub host: StsHost,
}

impl PartialEq for AssumeRole {
    fn eq(&self, other: &Self) -> bool {
        let external_id = |of: &Self| of.external_id.as_ref().map(|id| id.expose_secret().to_owned());
        self.base == other.base
            && self.role == other.role
            && self.host == other.host
            && external_id(self) == external_id(other)
    }
}

/// What asking for a grant gives.
pub enum Granted {
    Key(AccessKey),
    Session(Credentials),
}

type Asking<'a> = Pin<Box<dyn Future<Output = Result<Granted, Missed>> + Send + 'a>>;

impl Grant {
    /// Asks for credentials. A boxed future, because a role may be assumed with an assumed role.
    pub fn obtain<'a>(&'a self, files: &'a Files, reach: &'a Reach) -> Asking<'a> {
        Box::pin(async move {
            let credentials = match self {
                Self::Key(key) => return Ok(Granted::Key(key.clone())),
                Self::EcsRamRole(role) => role.obtain(reach).await,
                Self::Oidc(oidc) => oidc.obtain(files, reach).await,
                Self::Uri(uri) => uri.obtain(reach).await,
                Self::AssumeRole(assumed) => assumed.obtain(files, reach).await,
            };
            credentials.map(Granted::Session)
        })
    }
}

impl AssumeRole {
    async fn obtain(&self, files: &Files, reach: &Reach) -> Result<Credentials, Missed> {
        let assumed = self.ask(files, reach).await;
        assumed.map_err(|missed| missed.within(&format!("assuming {}", self.role.arn)))
    }

    async fn ask(&self, files: &Files, reach: &Reach) -> Result<Credentials, Missed> {
        let base = self.base.obtain(files, reach).await;
        let key = match base.map_err(|missed| missed.final_one().within("its base"))? {
            Granted::Key(key) | Granted::Session(Credentials { key, .. }) => key,
        };
        let mut parameters = self.role.parameters();
        let external_id = self.external_id.as_ref().map(|id| id.expose_secret().to_owned());
        parameters.extend(external_id.map(|id| ("ExternalId", id)));
        let answer = reach.sts("AssumeRole", parameters, &self.host, Some(&key)).await;
        let answer = answer.map_err(|error| sts_missed(&error))?;
        credentials(&answer["Credentials"])
    }
}
