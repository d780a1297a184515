//! What a source comes down to: a key, or who is asked for one.

use std::pin::Pin;

use secrecy::ExposeSecret as _;

use super::ecs_ram_role::EcsRamRole;
use super::error::{Missed, Tried};
use super::files::Files;
use super::oidc::Oidc;
use super::role::AssumeRole;
use super::session::{Credentials, credentials, sts_missed};
use super::transport::Transport;
use super::uri::CredentialsUri;
use crate::cloud::api::AccessKey;

/// A link of the default chain, in the official order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Environment,
    Oidc,
    CliProfile,
    Ini,
    EcsRamRole,
    Uri,
}

impl Link {
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "the environment",
            Self::Oidc => "the OIDC variables",
            Self::CliProfile => "the CLI profile",
            Self::Ini => "the INI file",
            Self::EcsRamRole => "the instance role",
            Self::Uri => "the credentials URI",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// Known without asking anybody, and without an end that is known.
    Key(AccessKey),
    EcsRamRole(EcsRamRole),
    Oidc(Oidc),
    Uri(CredentialsUri),
    AssumeRole(Box<AssumeRole<Grant>>),
}

/// Who may be asked for credentials, in order, and which link of the default chain each is. Only the metadata server
/// may turn out not to be there; it is followed by the URI.
#[derive(Debug)]
pub struct Found {
    pub grants: Vec<(Option<Link>, Grant)>,
    /// Sources that are not set up here.
    pub skipped: Vec<Tried>,
}

/// What asking for a grant gives.
pub enum Granted {
    Key(AccessKey),
    Session(Credentials),
}

type Asking<'a> = Pin<Box<dyn Future<Output = Result<Granted, Missed>> + Send + 'a>>;

impl Grant {
    /// Asks for credentials. A boxed future, because a role may be assumed with an assumed role.
    pub fn obtain<'a>(&'a self, files: &'a Files, transport: &'a Transport) -> Asking<'a> {
        Box::pin(async move {
            let credentials = match self {
                Self::Key(key) => return Ok(Granted::Key(key.clone())),
                Self::EcsRamRole(role) => role.obtain(transport).await,
                Self::Oidc(oidc) => oidc.obtain(files, transport).await,
                Self::Uri(uri) => uri.obtain(transport).await,
                Self::AssumeRole(assumed) => assumed.obtain(files, transport).await,
            };
            credentials.map(Granted::Session)
        })
    }
}

impl AssumeRole<Grant> {
    async fn obtain(&self, files: &Files, transport: &Transport) -> Result<Credentials, Missed> {
        let assumed = self.ask(files, transport).await;
        assumed.map_err(|missed| missed.within(&format!("assuming {}", self.role.arn)))
    }

    async fn ask(&self, files: &Files, transport: &Transport) -> Result<Credentials, Missed> {
        let base = self.base.obtain(files, transport).await;
        let key = match base.map_err(|missed| missed.final_one().within("its base"))? {
            Granted::Key(key) | Granted::Session(Credentials { key, .. }) => key,
        };
        let mut parameters = self.role.parameters();
        let external_id = self.external_id.as_ref().map(|id| id.expose_secret().to_owned());
        parameters.extend(external_id.map(|id| ("ExternalId", id)));
        let answer = transport.sts("AssumeRole", parameters, &self.host, Some(&key)).await;
        let answer = answer.map_err(|error| sts_missed(&error))?;
        credentials(&answer["Credentials"])
    }
}
