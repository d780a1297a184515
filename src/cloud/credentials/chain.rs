//! The sources of the official SDKs, in their order: what is not set up here is passed over.

use std::path::PathBuf;

use super::context::Surroundings;
use super::environment;
use super::error::{Attempt, CredentialsError, Missed, Reason};
use super::files::Files;
use super::grant::Grant;
use super::ini::IniSection;
use super::profile::ProfileOf;
use super::uri::CredentialsUri;
use super::variables::{self, Variables};

/// In the official order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Environment,
    Oidc,
    CliProfile,
    Ini,
    EcsRamRole,
    Uri,
}

const ORDER: [Link; 6] =
    [Link::Environment, Link::Oidc, Link::CliProfile, Link::Ini, Link::EcsRamRole, Link::Uri];

/// Who may be asked, in order. Only the metadata server may turn out not to be there; it is followed by the URI.
#[derive(Debug)]
pub struct Candidates {
    pub grants: Vec<(Link, Grant)>,
    /// Sources that are not set up here.
    pub passed: Vec<Attempt>,
}

impl Link {
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "the environment",
            Self::Oidc => "the OIDC variables",
            Self::CliProfile => "the CLI's profile",
            Self::Ini => "the INI file",
            Self::EcsRamRole => "the role of the instance",
            Self::Uri => "the credentials URI",
        }
    }
}

/// Who may be asked. After one has `worked` it is the only one: another one would be another identity.
pub async fn candidates(
    around: &Surroundings,
    files: &Files,
    worked: Option<Link>,
) -> Result<Candidates, CredentialsError> {
    let mut candidates = Candidates { grants: Vec::new(), passed: Vec::new() };
    for link in ORDER.into_iter().filter(|link| worked.is_none_or(|worked| worked == *link)) {
        match find(link, around, files).await {
            Ok(grant) => {
                candidates.grants.push((link, grant));
                if link != Link::EcsRamRole {
                    break;
                }
            }
            Err(missed) => {
                let is_passed = matches!(missed, Missed::NotConfigured(_));
                candidates.passed.push(Attempt { source: link.name(), missed });
                // What is wrong behind the metadata server is no matter while that may give credentials.
                if !is_passed && candidates.grants.is_empty() {
                    return Err(CredentialsError { attempts: candidates.passed });
                }
            }
        }
    }
    match candidates.grants.is_empty() {
        true => Err(CredentialsError { attempts: candidates.passed }),
        false => Ok(candidates),
    }
}

async fn find(link: Link, around: &Surroundings, files: &Files) -> Result<Grant, Missed> {
    let Surroundings { variables, .. } = around;
    match link {
        Link::Environment => environment::key(variables),
        Link::Oidc => environment::oidc(around),
        Link::CliProfile if variables.is_true(variables::CLI_PROFILE_DISABLED) => {
            Err(Missed::NotConfigured(format!("disabled by {}", variables::CLI_PROFILE_DISABLED)))
        }
        Link::CliProfile => match cli_file(variables) {
            Some(file) => {
                ProfileOf { file, name: variables.text(variables::PROFILE) }.find(files, around).await
            }
            None => Err(Missed::NotConfigured("HOME is not set".to_owned())),
        },
        Link::Ini => {
            let name = variables.text(variables::PROFILE).unwrap_or_else(|| "default".to_owned());
            IniSection { files: ini_files(variables), name }.find(files, around).await
        }
        Link::EcsRamRole => around.ecs_ram_role(None).map(Grant::EcsRamRole),
        Link::Uri => uri(variables),
    }
}

/// Where the CLI's file is; `None` without a home.
pub fn cli_file(variables: &Variables) -> Option<PathBuf> {
    let given = variables.text(variables::CONFIG_FILE).map(PathBuf::from);
    given.or_else(|| variables.home_file(".aliyun/config.json"))
}

fn ini_files(variables: &Variables) -> Vec<PathBuf> {
    match variables.text(variables::CREDENTIALS_FILE) {
        Some(file) => vec![file.into()],
        None => [".alibabacloud/credentials.ini", ".alibabacloud/credentials"]
            .iter()
            .filter_map(|path| variables.home_file(path))
            .collect(),
    }
}

fn uri(variables: &Variables) -> Result<Grant, Missed> {
    let name = variables::CREDENTIALS_URI;
    let Some(text) = variables.text(name) else {
        return Err(Missed::NotConfigured(format!("{name} not set")));
    };
    let uri = CredentialsUri::parse(&text);
    uri.map(Grant::Uri).map_err(|problem| Missed::failed(Reason::Malformed, format!("{name} {problem}")))
}
