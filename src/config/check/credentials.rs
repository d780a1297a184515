//! `accounts[].credentials`: each source with the keys that belong to it.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use url::Url;

use crate::cloud::api::endpoint::is_loopback;
use crate::cloud::credentials::{
    Assumed, CredentialsUri, DURATION, METADATA, Oidc, ProfileOf, Role, SHORTEST_DURATION, Secret, Source,
    StaticKey, StsHost, Surroundings, Variables, cli_file, variables,
};
use crate::config::checker::Checker;
use crate::config::file;

/// The keys of each source, beside `source`.
const SOURCES: [(&str, &[&str]); 7] = [
    ("default", &["metadata_endpoint"]),
    ("static", &["access_key_id", "access_key_secret", "access_key_secret_file", "security_token"]),
    ("profile", &["file", "name", "metadata_endpoint"]),
    ("ecs-ram-role", &["role_name", "metadata_endpoint"]),
    (
        "oidc",
        &[
            "role_arn",
            "oidc_provider_arn",
            "oidc_token_file",
            "role_session_name",
            "duration",
            "policy",
            "sts_region",
        ],
    ),
    ("uri", &["uri"]),
    (
        "assume-role",
        &["role_arn", "role_session_name", "duration", "policy", "external_id", "sts_region", "base"],
    ),
];

/// The source; `None` when something is wrong with it, which is reported then.
pub(super) fn source(checker: &mut Checker<'_>, path: &str, file: file::Credentials) -> Option<Source> {
    let Some((_, keys)) = SOURCES.iter().find(|(name, _)| *name == file.source) else {
        let names: Vec<_> = SOURCES.iter().map(|(name, _)| *name).collect();
        checker.wrong(format!("{path}.source"), format!("must be one of {}", names.join(", ")));
        return None;
    };
    for key in given(&file).into_iter().filter(|key| !keys.contains(key)) {
        let text = format!("does not belong to the source {:?}", file.source);
        checker.wrong(format!("{path}.{key}"), text);
    }
    let variables = Variables::of(&checker.sources.environment);
    let mut section = Section { checker, path, variables };
    match file.source.as_str() {
        "static" => section.static_key(file).map(Source::Static),
        "profile" => section.profile(file),
        "ecs-ram-role" => {
            let around = section.around(&file)?;
            Some(Source::EcsRamRole(file.role_name.filter(|name| !name.is_empty()), around))
        }
        "oidc" => section.oidc(file).map(Source::Oidc),
        "uri" => section.uri(file).map(Source::Uri),
        "assume-role" => section.assume_role(file),
        _ => section.around(&file).map(Source::Default),
    }
}

/// The keys that are given, beside `source`.
fn given(file: &file::Credentials) -> Vec<&'static str> {
    let keys = [
        ("access_key_id", file.access_key_id.is_some()),
        ("access_key_secret", file.access_key_secret.is_some()),
        ("access_key_secret_file", file.access_key_secret_file.is_some()),
        ("security_token", file.security_token.is_some()),
        ("file", file.file.is_some()),
        ("name", file.name.is_some()),
        ("role_name", file.role_name.is_some()),
        ("metadata_endpoint", file.metadata_endpoint.is_some()),
        ("role_arn", file.role_arn.is_some()),
        ("role_session_name", file.role_session_name.is_some()),
        ("duration", file.duration.is_some()),
        ("policy", file.policy.is_some()),
        ("external_id", file.external_id.is_some()),
        ("oidc_provider_arn", file.oidc_provider_arn.is_some()),
        ("oidc_token_file", file.oidc_token_file.is_some()),
        ("sts_region", file.sts_region.is_some()),
        ("uri", file.uri.is_some()),
        ("base", file.base.is_some()),
    ];
    keys.into_iter().filter_map(|(key, is_given)| is_given.then_some(key)).collect()
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
                Some(variable) => format!("is needed, or the environment variable {variable}"),
                None => "is needed".to_owned(),
            };
            self.wrong(key, &text);
        }
        value
    }

    fn around(&mut self, file: &file::Credentials) -> Option<Surroundings> {
        let metadata = match file.metadata_endpoint.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => Url::parse(text).ok().filter(is_loopback),
            None => Url::parse(METADATA).ok(),
        };
        if metadata.is_none() {
            self.wrong("metadata_endpoint", "must be the URL of a loopback address: it is for tests");
        }
        Some(Surroundings { variables: self.variables.clone(), metadata: metadata? })
    }

    fn static_key(&mut self, file: file::Credentials) -> Option<StaticKey> {
        let id = self.needed("access_key_id", file.access_key_id, None);
        let secret_file = file.access_key_secret_file.filter(|path| !path.is_empty());
        let secret = match (file.access_key_secret, secret_file) {
            (Some(_), Some(_)) => {
                self.wrong("access_key_secret_file", "is given beside access_key_secret");
                None
            }
            (Some(secret), None) if !secret.expose_secret().is_empty() => Some(Secret::Value(secret)),
            (_, Some(path)) => Some(Secret::File(path.into())),
            (_, None) => {
                self.wrong("access_key_secret", "is needed, or access_key_secret_file");
                None
            }
        };
        Some(StaticKey { id: id?, secret: secret?, security_token: file.security_token })
    }

    fn profile(&mut self, file: file::Credentials) -> Option<Source> {
        let around = self.around(&file)?;
        let given = file.file.filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(path) = given.or_else(|| cli_file(&self.variables)) else {
            self.wrong("file", "is needed where HOME is not set");
            return None;
        };
        let name = file.name.filter(|name| !name.is_empty());
        let name = name.or_else(|| self.variables.text(variables::PROFILE));
        Some(Source::Profile(ProfileOf { file: path, name }, around))
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
        Some(Source::AssumeRole(Box::new(Assumed { base: base?, role: role?, external_id, host })))
    }

    fn role(&mut self, file: &mut file::Credentials, variable: Option<&str>) -> Option<Role> {
        let arn = self.needed("role_arn", file.role_arn.take(), variable);
        let duration = file.duration.map_or(DURATION, |duration| duration.0);
        if duration < SHORTEST_DURATION {
            self.wrong("duration", "must be at least 15m");
        }
        let session_name = file.role_session_name.take().filter(|name| !name.is_empty());
        let session_name = session_name.or_else(|| self.variables.text(variables::ROLE_SESSION_NAME));
        if session_name.as_deref().is_some_and(|name| !is_session_name(name)) {
            self.wrong("role_session_name", "must have 2 to 64 of A-Z a-z 0-9 . @ - _");
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
