//! The role that is assumed, and what is asked for with it.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub arn: String,
    /// Stands in the audit log of the account.
    pub session_name: String,
    pub duration: Duration,
    /// Limits the rights of the session further: a RAM policy in JSON.
    pub policy: Option<String>,
}

pub const SESSION_NAME: &str = "alicloud-tag-exporter";
pub const DURATION: Duration = Duration::from_secs(3600);
/// Of STS.
pub const SHORTEST_DURATION: Duration = Duration::from_secs(900);

impl Role {
    /// The role with the defaults of everything else.
    pub fn new(arn: String) -> Self {
        Self { arn, session_name: SESSION_NAME.to_owned(), duration: DURATION, policy: None }
    }

    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("RoleArn", self.arn.clone()),
            ("RoleSessionName", self.session_name.clone()),
            ("DurationSeconds", self.duration.as_secs().to_string()),
        ];
        parameters.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        parameters
    }
}
