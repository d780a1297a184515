//! AssumeRole and AssumeRoleWithOIDC,
//! <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole>.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::request::Request;
use crate::response::to_json;
use crate::signature::signer;
use crate::state::State;
use crate::sts::{Issued, Role};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleAnswer<'a> {
    request_id: &'a str,
    assumed_role_user: AssumedRoleUser,
    credentials: Issued,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

/// What both ask for.
struct Wish<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    seconds: u64,
}

pub fn answer(
    state: &mut State,
    request: &Request,
    mut parameters: Parameters<'_>,
    request_id: &str,
    now: Timestamp,
) -> Result<String, CloudError> {
    let wish = Wish::take(&mut parameters, state)?;
    let external_id = parameters.take("ExternalId");
    parameters.finish()?;
    let caller = &signer(request, &state.access_keys)?.arn;
    let role = &state.sts.roles[wish.role_arn];
    let is_known = role.external_id.is_none() || role.external_id.as_deref() == external_id;
    match role.trusted.contains(caller) && is_known {
        true => grant(state, &wish, request_id, now),
        false => Err(CloudError::new(
            403,
            "NoPermission",
            "You are not authorized to do this action. You should be authorized by RAM.",
        )),
    }
}

pub fn answer_with_oidc(
    state: &mut State,
    mut parameters: Parameters<'_>,
    request_id: &str,
    now: Timestamp,
) -> Result<String, CloudError> {
    let wish = Wish::take(&mut parameters, state)?;
    let provider = parameters.take_required("OIDCProviderArn")?;
    let token = parameters.take_required("OIDCToken")?;
    parameters.finish()?;
    let is_vouched_for = state.sts.oidc_tokens.get(token).is_some_and(|vouched| vouched == provider);
    if !is_vouched_for {
        let message = "This JWT token is not valid.";
        return Err(CloudError::bad("AuthenticationFail.OIDCToken.Invalid", message));
    }
    match state.sts.roles[wish.role_arn].trusted.iter().any(|trusted| trusted == provider) {
        true => grant(state, &wish, request_id, now),
        false => Err(CloudError::new(
            403,
            "AuthenticationFail.NoPermission",
            "This role does not trust the provider.",
        )),
    }
}

fn grant(state: &mut State, wish: &Wish<'_>, request_id: &str, now: Timestamp) -> Result<String, CloudError> {
    let Wish { role_arn, session_name, seconds } = wish;
    let credentials = state.sts.issue(&mut state.access_keys, role_arn, *seconds, now);
    let assumed_role_user = AssumedRoleUser {
        arn: format!("{role_arn}/{session_name}"),
        assumed_role_id: format!("300000000000000000:{session_name}"),
    };
    to_json(&AssumeRoleAnswer { request_id, assumed_role_user, credentials })
}

impl<'a> Wish<'a> {
    fn take(parameters: &mut Parameters<'a>, state: &State) -> Result<Self, CloudError> {
        let role_arn = parameters.take_required("RoleArn")?;
        let session_name = parameters.take_required("RoleSessionName")?;
        if !is_session_name(session_name) {
            return Err(CloudError::invalid("RoleSessionName", "it has 2 to 64 of A-Z a-z 0-9 . @ - _"));
        }
        let policy = parameters.take("Policy").map(serde_json::from_str::<Value>);
        if policy.is_some_and(|policy| policy.is_err()) {
            return Err(CloudError::bad(
                "InvalidParameter.PolicyGrammar",
                "The parameter Policy is no policy.",
            ));
        }
        let role = state.sts.roles.get(role_arn);
        let Role { max_session, .. } =
            role.ok_or_else(|| CloudError::new(404, "EntityNotExist.Role", "The role does not exist."))?;
        let most = if *max_session == 0 { 3600 } else { *max_session };
        let seconds = parameters.take_number("DurationSeconds", 900..=most as usize, 3600)? as u64;
        Ok(Self { role_arn, session_name, seconds })
    }
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".@-_".contains(&b))
}
