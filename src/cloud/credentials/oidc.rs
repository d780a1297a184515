//! A role that is assumed with the token of an identity provider: RRSA of ACK clusters.

use std::path::PathBuf;

use super::error::{Cause, Missed};
use super::files::Files;
use super::role::Role;
use super::session::{Credentials, credentials, sts_missed};
use super::transport::{StsHost, Transport};

#[derive(Debug, Clone, PartialEq)]
pub struct Oidc {
    pub role: Role,
    pub provider_arn: String,
    /// Read for each refresh: the cluster replaces it.
    pub token_file: PathBuf,
    pub host: StsHost,
}

impl Oidc {
    /// The one STS operation without a signature. The token is in the body, so that it stands in no URL.
    pub async fn obtain(&self, files: &Files, transport: &Transport) -> Result<Credentials, Missed> {
        let token = files.read(&self.token_file).await.map_err(|missed| match missed {
            Missed::NotConfigured(text) => Missed::failed(Cause::Unreadable, text),
            failed => failed,
        })?;
        let mut parameters = self.role.parameters();
        parameters.push(("OIDCProviderArn", self.provider_arn.clone()));
        parameters.push(("OIDCToken", token));
        let answer = transport.sts("AssumeRoleWithOIDC", parameters, &self.host, None).await;
        let answer = answer.map_err(|error| sts_missed(&error))?;
        credentials(&answer["Credentials"])
    }
}
