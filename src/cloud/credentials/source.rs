//! Where the credentials of an account come from, as configured.

use secrecy::SecretString;

use super::chain::{self, Candidates, Link};
use super::context::Surroundings;
use super::environment;
use super::error::{Attempt, CredentialsError, Missed};
use super::files::Files;
use super::grant::{AssumeRole, Grant};
use super::oidc::Oidc;
use super::profile::ProfileOf;
use super::role::Role;
use super::static_key::StaticKey;
use super::transport::StsHost;
use super::uri::CredentialsUri;

#[derive(Debug, Clone)]
pub enum Source {
    /// The chain of the official SDKs.
    Default(Surroundings),
    Static(StaticKey),
    Profile(ProfileOf, Surroundings),
    /// The name of the role, where it is given.
    EcsRamRole(Option<String>, Surroundings),
    Oidc(Oidc),
    Uri(CredentialsUri),
    AssumeRole(Box<Assumed>),
}

/// A role that is assumed with the credentials of another source.
#[derive(Debug, Clone)]
pub struct Assumed {
    pub base: Source,
    pub role: Role,
    pub external_id: Option<SecretString>,
    pub host: StsHost,
}

/// Who may be asked for credentials, in order, and which link of the chain each is.
pub struct Found {
    pub grants: Vec<(Option<Link>, Grant)>,
    pub passed: Vec<Attempt>,
}

/// TEMPORARY
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

impl Source {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Default(_) => "the default chain",
            Self::Static(_) => "the static key",
            Self::Profile(..) => "the CLI's profile",
            Self::EcsRamRole(..) => "the role of the instance",
            Self::Oidc(_) => "OIDC",
            Self::Uri(_) => "the credentials URI",
            Self::AssumeRole(_) => "the assumed role",
        }
    }

    /// What the source comes down to now: it reads files, and asks nobody. `worked` is the link of the chain that
    /// gave credentials before.
    pub async fn find(&self, files: &Files, worked: Option<Link>) -> Result<Found, CredentialsError> {
        let grant = match self {
            Self::Default(around) => {
                let Candidates { grants, passed } = chain::candidates(around, files, worked).await?;
                let grants = grants.into_iter().map(|(link, grant)| (Some(link), grant)).collect();
                return Ok(Found { grants, passed });
            }
            Self::Static(key) => key.find(files).await,
            Self::Profile(profile, around) => profile.find(files, around).await,
            Self::EcsRamRole(role, around) => around.ecs_ram_role(role.clone()).map(Grant::EcsRamRole),
            Self::Oidc(oidc) => Ok(Grant::Oidc(oidc.clone())),
            Self::Uri(uri) => Ok(Grant::Uri(uri.clone())),
            Self::AssumeRole(assumed) => return Box::pin(assumed.find(files, worked)).await,
        };
        let grant = grant.map_err(|missed| self.only(missed))?;
        Ok(Found { grants: vec![(None, grant)], passed: Vec::new() })
    }

    /// The error of a source that nothing comes after.
    pub fn only(&self, missed: Missed) -> CredentialsError {
        CredentialsError { attempts: vec![Attempt { source: self.name(), missed: missed.final_one() }] }
    }

    /// Variables that were passed over, although some of them are set.
    pub fn half_set(&self) -> Vec<String> {
        match self {
            Self::Default(around) => environment::half_set(&around.variables).collect(),
            Self::AssumeRole(assumed) => assumed.base.half_set(),
            _ => Vec::new(),
        }
    }
}

impl Assumed {
    /// The role with each of those who may be its base.
    async fn find(&self, files: &Files, worked: Option<Link>) -> Result<Found, CredentialsError> {
        let Found { grants, passed } = self.base.find(files, worked).await?;
        let assume = |base: Grant| {
            let Self { role, external_id, host, .. } = self;
            let (role, external_id, host) = (role.clone(), external_id.clone(), host.clone());
            Grant::AssumeRole(Box::new(AssumeRole { base, role, external_id, host }))
        };
        let grants = grants.into_iter().map(|(link, base)| (link, assume(base))).collect();
        Ok(Found { grants, passed })
    }
}
