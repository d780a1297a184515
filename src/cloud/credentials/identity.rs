//! The cloud's id of the account that the credentials belong to.

use super::error::CredentialsError;
use super::provider::Provider;
use super::transport::StsHost;
use crate::cloud::api::ApiError;

/// Why the cloud's id of an account is not known.
#[derive(Debug, thiserror::Error)]
pub enum AccountIdError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("the answer to GetCallerIdentity has no account id")]
    Missing,
}

impl Provider {
    pub async fn account_id(&self) -> Result<String, AccountIdError> {
        let key = self.access_key().await?;
        let host = StsHost::default();
        let answer = self.transport.sts("GetCallerIdentity", Vec::new(), &host, Some(&key)).await?;
        let id = answer.get("AccountId").and_then(serde_json::Value::as_str);
        let is_id = |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        id.filter(is_id).map(str::to_owned).ok_or(AccountIdError::Missing)
    }
}
