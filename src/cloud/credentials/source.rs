//! Where the credentials of an account come from, as configured.

use super::chain;
use super::context::Context;
use super::environment;
use super::error::{CredentialsError, Missed, Tried};
use super::files::Files;
use super::grant::{Found, Grant, Link};
use super::oidc::Oidc;
use super::profile::ProfileOf;
use super::role::AssumeRole;
use super::static_key::StaticKey;
use super::uri::CredentialsUri;

/// Two are the same where they lead to the same credentials, their secrets included.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The chain of the official SDKs.
    Default(Context),
    Static(StaticKey),
    Profile(ProfileOf, Context),
    /// The name of the role, where it is given.
    EcsRamRole(Option<String>, Context),
    Oidc(Oidc),
    Uri(CredentialsUri),
    AssumeRole(Box<AssumeRole<Source>>),
}

impl Source {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Default(_) => "the default chain",
            Self::Static(_) => "the static key",
            Self::Profile(..) => "the CLI profile",
            Self::EcsRamRole(..) => "the instance role",
            Self::Oidc(_) => "OIDC",
            Self::Uri(_) => "the credentials URI",
            Self::AssumeRole(_) => "the assumed role",
        }
    }

    /// What the source comes down to now: it reads files, and asks nobody. `worked` is the link of the chain that
    /// gave credentials before.
    pub async fn find(&self, files: &Files, worked: Option<Link>) -> Result<Found, CredentialsError> {
        let grant = match self {
            Self::Default(context) => return chain::find(context, files, worked).await,
            Self::Static(key) => key.find(files).await,
            Self::Profile(profile, context) => profile.find(files, context).await,
            Self::EcsRamRole(role, context) => context.ecs_ram_role(role.clone()).map(Grant::EcsRamRole),
            Self::Oidc(oidc) => Ok(Grant::Oidc(oidc.clone())),
            Self::Uri(uri) => Ok(Grant::Uri(uri.clone())),
            Self::AssumeRole(assumed) => return Box::pin(assumed.find(files, worked)).await,
        };
        let grant = grant.map_err(|missed| self.only(missed))?;
        Ok(Found { grants: vec![(None, grant)], skipped: Vec::new() })
    }

    /// The error of a source that nothing comes after.
    fn only(&self, missed: Missed) -> CredentialsError {
        CredentialsError { tried: vec![Tried { source: self.name(), missed: missed.final_one() }] }
    }

    /// Variables that count as not set, although some of them are set.
    pub fn half_set(&self) -> Vec<String> {
        match self {
            Self::Default(context) => environment::half_set(&context.variables).collect(),
            Self::AssumeRole(assumed) => assumed.base.half_set(),
            _ => Vec::new(),
        }
    }
}

impl AssumeRole<Source> {
    /// The role with each of those who may be its base.
    async fn find(&self, files: &Files, worked: Option<Link>) -> Result<Found, CredentialsError> {
        let Found { grants, skipped } = self.base.find(files, worked).await?;
        let assume = |base| Grant::AssumeRole(Box::new(self.with_base(base)));
        let grants = grants.into_iter().map(|(link, base)| (link, assume(base))).collect();
        Ok(Found { grants, skipped })
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::static_key::Secret;
    use super::super::transport::StsHost;
    use super::super::variables::Variables;
    use super::*;

    fn role(base: Source, external_id: Option<&str>) -> Source {
        let role = super::super::role::Role::new("acs:ram::1:role/reader".to_owned());
        let external_id = external_id.map(Into::into);
        Source::AssumeRole(Box::new(AssumeRole { base, role, external_id, host: StsHost::default() }))
    }

    fn key(secret: Secret, token: Option<&str>) -> Source {
        Source::Static(StaticKey { id: "id".to_owned(), secret, security_token: token.map(Into::into) })
    }

    fn chain(secret: &str) -> Source {
        let variables = [("ALIBABA_CLOUD_ACCESS_KEY_SECRET".to_owned(), secret.to_owned())];
        let variables = Variables::of(&variables.into());
        Source::Default(Context { variables, metadata: Url::parse("http://127.0.0.1").unwrap() })
    }

    #[test]
    fn two_sources_are_the_same_only_with_the_same_secrets() {
        let all = || {
            let value = |text: &str| key(Secret::Value(text.into()), None);
            [
                value("one"),
                value("other"),
                key(Secret::Value("one".into()), Some("token")),
                key(Secret::Value("one".into()), Some("other token")),
                key(Secret::File("one".into()), None),
                chain("one"),
                chain("other"),
                role(value("one"), None),
                role(value("other"), None),
                role(value("one"), Some("id")),
                role(value("one"), Some("other id")),
                role(chain("one"), None),
            ]
        };
        for (index, one) in all().iter().enumerate() {
            for (other_index, other) in all().iter().enumerate() {
                assert_eq!(one == other, index == other_index, "{index} {other_index}");
            }
        }
    }
}
