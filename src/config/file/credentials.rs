//! `accounts[].credentials` as typed: every key with the sources that it belongs to.

use secrecy::SecretString;
use serde::Deserialize;

use super::{Section, Span};

macro_rules! credentials {
    ($($key:ident: $kind:ty, of $sources:expr;)*) => {
        section! {
            Credentials {
                source: String = DEFAULT.to_owned(),
                $($key: Option<$kind> = None,)*
            }
        }

        impl Credentials {
            /// The keys that are given, beside `source`, each with the sources that it belongs to.
            pub fn given(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
                let keys: Vec<(_, _, &[_])> =
                    vec![$((stringify!($key), self.$key.is_some(), &$sources),)*];
                keys.into_iter().filter_map(|(key, is_given, sources)| is_given.then_some((key, sources)))
            }
        }
    };
}

credentials! {
    access_key_id: String, of [STATIC];
    access_key_secret: SecretString, of [STATIC];
    access_key_secret_file: String, of [STATIC];
    security_token: SecretString, of [STATIC];
    file: String, of [PROFILE];
    name: String, of [PROFILE];
    role_name: String, of [ECS_RAM_ROLE];
    metadata_endpoint: String, of [DEFAULT, PROFILE, ECS_RAM_ROLE];
    role_arn: String, of [OIDC, ASSUME_ROLE];
    role_session_name: String, of [OIDC, ASSUME_ROLE];
    duration: Span, of [OIDC, ASSUME_ROLE];
    policy: String, of [OIDC, ASSUME_ROLE];
    external_id: SecretString, of [ASSUME_ROLE];
    oidc_provider_arn: String, of [OIDC];
    oidc_token_file: String, of [OIDC];
    sts_region: String, of [OIDC, ASSUME_ROLE];
    uri: SecretString, of [URI];
    base: Box<Credentials>, of [ASSUME_ROLE];
}

pub const DEFAULT: &str = "default";
pub const STATIC: &str = "static";
pub const PROFILE: &str = "profile";
pub const ECS_RAM_ROLE: &str = "ecs-ram-role";
pub const OIDC: &str = "oidc";
pub const URI: &str = "uri";
pub const ASSUME_ROLE: &str = "assume-role";
