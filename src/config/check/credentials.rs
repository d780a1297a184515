//! `accounts[].credentials`: each source with the keys that belong to it.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use url::Url;

use crate::cloud::api::endpoint::is_loopback;
use crate::cloud::credentials::{
    AssumeRole, Context, CredentialsUri, DURATION, METADATA, MIN_DURATION, Oidc, ProfileOf, Role, Secret,
    Source, StaticKey, StsHost, Variables, cli_file, variables,
};
use crate::config::checker::Checker;
use crate::config::file;
use crate::config::file::credentials::{ASSUME_ROLE, DEFAULT, ECS_RAM_ROLE, OIDC, PROFILE, STATIC, URI};

type Read = fn(&mut Section<'_, '_>, file::Credentials) -> Option<Source>;

/// How each source is read.
const SOURCES: [(&str, Read); 7] = [
    (DEFAULT, |section, file| section.context(&file).map(Source::Default)),
    (STATIC, |section, file| section.static_key(file).map(Source::Static)),
    (PROFILE, |section, file| section.profile(file)),
    (ECS_RAM_ROLE, |section, file| section.ecs_ram_role(file)),
    (OIDC, |section, file| section.oidc(file).map(Source::Oidc)),
    (URI, |section, file| section.uri(file).map(Source::Uri)),
    (ASSUME_ROLE, |section, file| section.assume_role(file)),
];

/// The source; `None` when something is wrong with it, which is reported then.
pub(super) fn source(checker: &mut Checker<'_>, path: &str, file: file::Credentials) -> Option<Source> {
    let read = checker.one_of(&format!("{path}.source"), &file.source, &SOURCES)?;
    for (key, _) in file.given().filter(|(_, sources)| !sources.contains(&&*file.source)) {
        checker.wrong(format!("{path}.{key}"), format!("is not valid for source {:?}", file.source));
    }
    let variables = Variables::of(&checker.sources.environment);
    read(&mut Section { checker, path, variables }, file)
}

/// One table of credentials.
struct Section<'a, 'b> {
    checker: &'a mut Checker<'b>,
    path: &'a str,
    variables: Variables,
}

impl Section<'_, '_> {
    fn wrong(&mut self, key: &str, text: &str) {
        self.checker.wrong(format!("{}.{key}", self.path), text);
    }

    /// A value that is given here, or else in a variable of the environment.
    fn needed(&mut self, key: &str, value: Option<String>, variable: Option<&str>) -> Option<String> {
        let value = value.filter(|value| !value.is_empty());
        let value = value.or_else(|| self.variables.text(variable?));
        if value.is_none() {
            let text = match variable {
                Some(variable) => format!("is required, or the environment variable {variable}"),
                None => "is required".to_owned(),
            };
            self.wrong(key, &text);
        }
        value
    }

    fn context(&mut self, file: &file::Credentials) -> Option<Context> {
        let metadata = match file.metadata_endpoint.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => Url::parse(text).ok().filter(is_loopback),
            None => Url::parse(METADATA).ok(),
        };
        if metadata.is_none() {
            self.wrong("metadata_endpoint", "must be the URL of a loopback address (for tests only)");
        }
        Some(Context { variables: self.variables.clone(), metadata: metadata? })
    }

    fn ecs_ram_role(&mut self, file: file::Credentials) -> Option<Source> {
        let context = self.context(&file)?;
        Some(Source::EcsRamRole(file.role_name.filter(|name| !name.is_empty()), context))
    }

    fn static_key(&mut self, file: file::Credentials) -> Option<StaticKey> {
        let id = self.needed("access_key_id", file.access_key_id, None);
        let secret_file = file.access_key_secret_file.filter(|path| !path.is_empty());
        let secret = match (file.access_key_secret, secret_file) {
            (Some(_), Some(_)) => {
                self.wrong("access_key_secret_file", "cannot be combined with access_key_secret");
                None
            }
            (Some(secret), None) if !secret.expose_secret().is_empty() => Some(Secret::Value(secret)),
            (_, Some(path)) => Some(Secret::File(path.into())),
            (_, None) => {
                self.wrong("access_key_secret", "is required, or access_key_secret_file");
                None
            }
        };
        Some(StaticKey { id: id?, secret: secret?, security_token: file.security_token })
    }

    fn profile(&mut self, file: file::Credentials) -> Option<Source> {
        let context = self.context(&file)?;
        let given = file.file.filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(path) = given.or_else(|| cli_file(&self.variables)) else {
            self.wrong("file", "is required when HOME is not set");
            return None;
        };
        let name = file.name.filter(|name| !name.is_empty());
        let name = name.or_else(|| self.variables.text(variables::PROFILE));
        Some(Source::Profile(ProfileOf { file: path, name }, context))
    }

    fn oidc(&mut self, mut file: file::Credentials) -> Option<Oidc> {
        let role = self.role(&mut file, Some(variables::ROLE_ARN));
        let variable = Some(variables::OIDC_PROVIDER_ARN);
        let provider_arn = self.needed("oidc_provider_arn", file.oidc_provider_arn.take(), variable);
        let variable = Some(variables::OIDC_TOKEN_FILE);
        let token_file = self.needed("oidc_token_file", file.oidc_token_file.take(), variable);
        let host = self.sts_host(file.sts_region);
        Some(Oidc { role: role?, provider_arn: provider_arn?, token_file: token_file?.into(), host })
    }

    fn uri(&mut self, file: file::Credentials) -> Option<CredentialsUri> {
        let uri = file.uri.map(|uri| uri.expose_secret().to_owned());
        let uri = self.needed("uri", uri, Some(variables::CREDENTIALS_URI))?;
        CredentialsUri::parse(&uri).inspect_err(|problem| self.wrong("uri", problem)).ok()
    }

    fn assume_role(&mut self, mut file: file::Credentials) -> Option<Source> {
        let role = self.role(&mut file, None);
        let base = file.base.map_or_else(file::Credentials::default, |base| *base);
        let base = source(self.checker, &format!("{}.base", self.path), base);
        let (external_id, host) = (file.external_id, self.sts_host(file.sts_region));
        Some(Source::AssumeRole(Box::new(AssumeRole { base: base?, role: role?, external_id, host })))
    }

    fn role(&mut self, file: &mut file::Credentials, variable: Option<&str>) -> Option<Role> {
        let arn = self.needed("role_arn", file.role_arn.take(), variable);
        let duration = file.duration.map_or(DURATION, |duration| duration.0);
        if duration < MIN_DURATION {
            self.wrong("duration", "must be at least 15m");
        }
        let session_name = file.role_session_name.take().filter(|name| !name.is_empty());
        let session_name = session_name.or_else(|| self.variables.text(variables::ROLE_SESSION_NAME));
        if session_name.as_deref().is_some_and(|name| !is_session_name(name)) {
            self.wrong("role_session_name", "must be 2 to 64 characters from A-Z a-z 0-9 . @ - _");
        }
        let mut role = Role { duration, policy: file.policy.take(), ..Role::new(arn?) };
        if let Some(name) = session_name {
            role.session_name = name;
        }
        Some(role)
    }

    fn sts_host(&self, region: Option<String>) -> StsHost {
        let given = region.filter(|region| !region.is_empty());
        let vpc = self.variables.is_true(variables::VPC_ENDPOINT_ENABLED).then_some(true);
        StsHost { region: given.or_else(|| self.variables.text(variables::STS_REGION)), vpc }
    }
}

/// As STS wants it.
fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".@-_".contains(&b))
}
