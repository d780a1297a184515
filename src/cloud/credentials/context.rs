//! What the environment says about sources, besides the keys themselves.

use url::Url;

use super::ecs_ram_role::EcsRamRole;
use super::error::Missed;
use super::role::SESSION_NAME;
use super::transport::StsHost;
use super::variables::{self, Variables};

#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub variables: Variables,
    /// The metadata server of ECS instances.
    pub metadata: Url,
}

impl Context {
    /// The role of the instance, by name or as the metadata server names it.
    pub fn ecs_ram_role(&self, role_name: Option<String>) -> Result<EcsRamRole, Missed> {
        let variables = &self.variables;
        if variables.is_true(variables::ECS_METADATA_DISABLED) {
            let text = format!("the metadata server is disabled by {}", variables::ECS_METADATA_DISABLED);
            return Err(Missed::NotConfigured(text));
        }
        Ok(EcsRamRole {
            metadata: self.metadata.clone(),
            role_name: role_name.or_else(|| variables.text(variables::ECS_METADATA)),
            version_1: !variables.is_true(variables::IMDSV1_DISABLED),
        })
    }

    pub fn sts_host(&self) -> StsHost {
        let vpc = self.variables.is_true(variables::VPC_ENDPOINT_ENABLED);
        StsHost { region: self.variables.text(variables::STS_REGION), vpc: vpc.then_some(true) }
    }

    pub fn session_name(&self) -> String {
        self.variables.text(variables::ROLE_SESSION_NAME).unwrap_or_else(|| SESSION_NAME.to_owned())
    }
}
