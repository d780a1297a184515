//! The variables that hold a key, or all that an identity provider's token needs.

use secrecy::ExposeSecret as _;

use super::context::Context;
use super::error::Missed;
use super::grant::Grant;
use super::oidc::Oidc;
use super::role::Role;
use super::variables::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE, ROLE_ARN, SECURITY_TOKEN, Variables,
};
use crate::cloud::api::AccessKey;

const OF_A_KEY: [&str; 2] = [ACCESS_KEY_ID, ACCESS_KEY_SECRET];
const OF_OIDC: [&str; 3] = [ROLE_ARN, OIDC_PROVIDER_ARN, OIDC_TOKEN_FILE];

/// The key in the variables.
pub fn key(variables: &Variables) -> Result<Grant, Missed> {
    let [Some(id), Some(secret)] = OF_A_KEY.map(|name| variables.secret(name)) else {
        return Err(Missed::NotConfigured(what_is_missing(variables, &OF_A_KEY)));
    };
    let (id, security_token) = (id.expose_secret().to_owned(), variables.secret(SECURITY_TOKEN));
    Ok(Grant::Key(AccessKey { id, secret, security_token }))
}

/// The role that the variables of RRSA name.
pub fn oidc(context: &Context) -> Result<Grant, Missed> {
    let Context { variables, .. } = context;
    let [Some(arn), Some(provider_arn), Some(file)] = OF_OIDC.map(|name| variables.text(name)) else {
        return Err(Missed::NotConfigured(what_is_missing(variables, &OF_OIDC)));
    };
    let role = Role { session_name: context.session_name(), ..Role::new(arn) };
    Ok(Grant::Oidc(Oidc { role, provider_arn, token_file: file.into(), host: context.sts_host() }))
}

/// Variables that are set in part. They count as not set, as in the official SDKs, but nobody means that.
pub fn half_set(variables: &Variables) -> impl Iterator<Item = String> {
    let is_set = |name: &&str| variables.text(name).is_some();
    let half = move |names: &&[&str]| names.iter().any(is_set) && !names.iter().all(is_set);
    [&OF_A_KEY[..], &OF_OIDC[..]].into_iter().filter(half).map(|names| what_is_missing(variables, names))
}

fn what_is_missing(variables: &Variables, names: &[&str]) -> String {
    let (set, unset): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| variables.text(name).is_some());
    let unset = unset.join(", ");
    match set.first() {
        None => format!("{unset} not set"),
        Some(set) => format!("{set} is set, but not {unset}"),
    }
}
