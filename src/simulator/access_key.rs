//! The keys that open the simulated cloud.

use std::fmt;

/// The secret part of an access key, and the token of one that STS has given out.
#[derive(Clone)]
pub struct AccessKey {
    pub secret: String,
    pub security_token: Option<String>,
}

impl AccessKey {
    /// A key that does not expire and needs no token.
    pub fn long_term(secret: &str) -> Self {
        Self { secret: secret.to_owned(), security_token: None }
    }

    /// A key as STS gives it out, valid only together with its token.
    pub fn temporary(secret: &str, security_token: &str) -> Self {
        Self { secret: secret.to_owned(), security_token: Some(security_token.to_owned()) }
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
