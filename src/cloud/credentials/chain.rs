//! The sources of the official SDKs, in their order: what is not set up here is passed over.

use std::path::PathBuf;

use super::context::Context;
use super::environment;
use super::error::{Cause, CredentialsError, Missed, Tried};
use super::files::Files;
use super::grant::{Found, Grant, Link};
use super::ini::IniSection;
use super::profile::ProfileOf;
use super::uri::CredentialsUri;
use super::variables::{self, Variables};

/// The official one.
const ORDER: [Link; 6] =
    [Link::Environment, Link::Oidc, Link::CliProfile, Link::Ini, Link::EcsRamRole, Link::Uri];

/// Who may be asked. After one has `worked` it is the only one: another one would be another identity.
pub async fn find(context: &Context, files: &Files, worked: Option<Link>) -> Result<Found, CredentialsError> {
    let mut found = Found { grants: Vec::new(), skipped: Vec::new() };
    for link in ORDER.into_iter().filter(|link| worked.is_none_or(|worked| worked == *link)) {
        match grant(link, context, files).await {
            Ok(grant) => {
                found.grants.push((Some(link), grant));
                if link != Link::EcsRamRole {
                    break;
                }
            }
            Err(missed) => {
                let is_skipped = matches!(missed, Missed::NotConfigured(_));
                found.skipped.push(Tried { source: link.name(), missed });
                // What is wrong behind the metadata server is no matter while that may give credentials.
                if !is_skipped && found.grants.is_empty() {
                    return Err(CredentialsError { tried: found.skipped });
                }
            }
        }
    }
    match found.grants.is_empty() {
        true => Err(CredentialsError { tried: found.skipped }),
        false => Ok(found),
    }
}

async fn grant(link: Link, context: &Context, files: &Files) -> Result<Grant, Missed> {
    let Context { variables, .. } = context;
    match link {
        Link::Environment => environment::key(variables),
        Link::Oidc => environment::oidc(context),
        Link::CliProfile if variables.is_true(variables::CLI_PROFILE_DISABLED) => {
            Err(Missed::NotConfigured(format!("disabled by {}", variables::CLI_PROFILE_DISABLED)))
        }
        Link::CliProfile => match cli_file(variables) {
            Some(file) => {
                ProfileOf { file, name: variables.text(variables::PROFILE) }.find(files, context).await
            }
            None => Err(Missed::NotConfigured("HOME is not set".to_owned())),
        },
        Link::Ini => {
            let name = variables.text(variables::PROFILE).unwrap_or_else(|| "default".to_owned());
            IniSection { files: ini_files(variables), name }.find(files, context).await
        }
        Link::EcsRamRole => context.ecs_ram_role(None).map(Grant::EcsRamRole),
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
    uri.map(Grant::Uri).map_err(|problem| Missed::failed(Cause::Malformed, format!("{name} {problem}")))
}
