//! GetCallerIdentity, <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity>.

use serde::Serialize;

use crate::error::CloudError;
use crate::parameters::Parameters;
use crate::request::Request;
use crate::response::to_json;
use crate::signature::signer;
use crate::state::State;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CallerIdentity<'a> {
    request_id: &'a str,
    account_id: &'a str,
    arn: &'a str,
}

pub fn answer(
    state: &State,
    request: &Request,
    parameters: Parameters<'_>,
    request_id: &str,
) -> Result<String, CloudError> {
    parameters.finish()?;
    let key = signer(request, &state.access_keys)?;
    to_json(&CallerIdentity { request_id, account_id: &key.account_id, arn: &key.arn })
}
