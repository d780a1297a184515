//! A section of the official SDKs' INI file, `~/.alibabacloud/credentials.ini` (Python) or without `.ini` (Go).
//!
//! Types and keys: the official credentials SDK for Python, 1.0.12, `provider/profile.py`.

use std::collections::HashMap;
use std::path::PathBuf;

use configparser::ini::Ini;

use super::context::Context;
use super::error::{Cause, Missed};
use super::files::Files;
use super::grant::Grant;
use super::oidc::Oidc;
use super::role::{AssumeRole, DURATION, Role};
use crate::cloud::api::AccessKey;

/// Which section of which files; the first file that is there counts.
#[derive(Debug)]
pub struct IniSection {
    pub files: Vec<PathBuf>,
    pub name: String,
}

type Keys = HashMap<String, Option<String>>;

impl IniSection {
    pub async fn find(&self, files: &Files, context: &Context) -> Result<Grant, Missed> {
        let mut missed = Missed::NotConfigured("HOME is not set".to_owned());
        for path in &self.files {
            match files.read(path).await {
                Ok(text) => return self.read(path, text, context),
                Err(Missed::NotConfigured(text)) => missed = Missed::NotConfigured(text),
                Err(failed) => return Err(failed),
            }
        }
        Err(missed)
    }

    fn read(&self, path: &std::path::Path, text: String, context: &Context) -> Result<Grant, Missed> {
        let path = path.display();
        let sections = parsed(text).map_err(|line| {
            Missed::failed(Cause::Malformed, format!("{path} is not a valid INI file: {line}"))
        })?;
        let Some(keys) = sections.get(&self.name) else {
            return Err(Missed::NotConfigured(format!("no section [{}] in {path}", self.name)));
        };
        grant(keys, context)
            .map_err(|missed| missed.within(&format!("the section [{}] in {path}", self.name)))
    }
}

/// The sections by name, or the place where the text is no INI. Keys count in any case, as for Python.
fn parsed(text: String) -> Result<HashMap<String, Keys>, String> {
    let mut ini = Ini::new_cs();
    ini.set_comment_symbols(&['#', ';']);
    ini.set_inline_comment_symbols(Some(&['#']));
    // The parser's text goes on with what it found.
    let sections = ini.read(text).map_err(|error| error.split(':').next().unwrap_or_default().to_owned())?;
    let lower = |keys: Keys| keys.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    Ok(sections.into_iter().map(|(name, keys)| (name, lower(keys))).collect())
}

fn grant(keys: &Keys, context: &Context) -> Result<Grant, Missed> {
    let wrong = |text: String| Missed::failed(Cause::Malformed, text);
    let given = |key: &str| keys.get(key).cloned().flatten().filter(|value| !value.is_empty());
    let needed = |key: &str| given(key).ok_or_else(|| wrong(format!("has no {key}")));
    let role = |arn| Role {
        arn,
        session_name: given("role_session_name").unwrap_or_else(|| context.session_name()),
        duration: DURATION,
        policy: given("policy"),
    };
    let key = || -> Result<Grant, Missed> {
        let (id, secret) = (needed("access_key_id")?, needed("access_key_secret")?.into());
        Ok(Grant::Key(AccessKey { id, secret, security_token: None }))
    };
    match needed("type")?.as_str() {
        "access_key" => key(),
        "ram_role_arn" => {
            let (base, role) = (key()?, role(needed("role_arn")?));
            let host = context.sts_host();
            Ok(Grant::AssumeRole(Box::new(AssumeRole { base, role, external_id: None, host })))
        }
        "oidc_role_arn" => Ok(Grant::Oidc(Oidc {
            role: role(needed("role_arn")?),
            provider_arn: needed("oidc_provider_arn")?,
            token_file: needed("oidc_token_file_path")?.into(),
            host: context.sts_host(),
        })),
        "ecs_ram_role" => context.ecs_ram_role(given("role_name")).map(Grant::EcsRamRole),
        kind => Err(wrong(format!("has the unsupported type {kind:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_at_a_number_sign_and_a_broken_line_is_named_without_its_content() {
        let sections =
            parsed("[default]\ntype = access_key # a note\n; no\nrole_arn = acs:ram::1:role/a\n".into());
        let keys = sections.unwrap().remove("default").unwrap();
        assert_eq!(keys["type"].as_deref(), Some("access_key"));
        assert_eq!(keys["role_arn"].as_deref(), Some("acs:ram::1:role/a"));
        assert_eq!(parsed("[default]\n[hidden\n".into()).unwrap_err(), "line 2");
        assert_eq!(parsed("[default]\n= hidden\n".into()).unwrap_err(), "line 2");
    }
}
