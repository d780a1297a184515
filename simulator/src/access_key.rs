//! The keys that open the simulated cloud.

use std::fmt;

use jiff::Timestamp;

/// The secret part of an access key, and what STS adds to one that it has given out.
#[derive(Clone)]
pub struct AccessKey {
    pub secret: String,
    pub security_token: Option<String>,
    /// Absent for a key that does not end.
    pub expiration: Option<Timestamp>,
    /// Whom the key belongs to, as GetCallerIdentity tells it.
    pub account_id: String,
    /// The ARN of the user or of the assumed role.
    pub arn: String,
}

const ACCOUNT_ID: &str = "1234567890123456";

impl AccessKey {
    /// A key that does not expire and needs no token.
    pub fn long_term(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            security_token: None,
            expiration: None,
            account_id: ACCOUNT_ID.to_owned(),
            arn: format!("acs:ram::{ACCOUNT_ID}:user/exporter"),
        }
    }

    /// A key as STS gives it out, valid only together with its token.
    pub fn temporary(secret: &str, security_token: &str) -> Self {
        Self { security_token: Some(security_token.to_owned()), ..Self::long_term(secret) }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("temporary", &self.security_token.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_print_its_secret() {
        let key = format!("{:?}", AccessKey::temporary("tell-no-one", "nor-this"));
        assert!(!key.contains("tell-no-one") && !key.contains("nor-this"), "{key}");
    }
}
