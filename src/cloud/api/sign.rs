//! What makes a call a signed request: both of the cloud's signature mechanisms, pure.
//!
//! Each is three steps: the canonical form of the request, the string to sign, the signature.

use serde::Deserialize;

use super::call::{AccessKey, Call, Stamp};

mod canonical;
pub mod v1;
pub mod v3;

pub use canonical::canonical_query;

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// Version 1.0, HMAC-SHA1 over the parameters. They all go in the body, so that no key or token is in a URL.
    #[default]
    HmacSha1,
    /// Version 3, HMAC-SHA256 over the request; key, token and signature are headers.
    Acs3HmacSha256,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    Key(&'a AccessKey, Signature),
    /// For the one operation that is not signed: `AssumeRoleWithOIDC`.
    Nobody,
}

/// What is sent, beside the endpoint. It holds secrets.
pub struct Prepared {
    /// Percent-encoded; empty for none.
    pub query: String,
    /// Names in small letters.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// The request of a call to `host`, which has its port where that is not the default one.
///
/// Version 3 has the parameters of the operation in the query and an empty body, as the official SDKs send them.
pub fn prepared(call: &Call<'_>, host: &str, signer: Signer<'_>, stamp: &Stamp) -> Prepared {
    match signer {
        Signer::Key(key, Signature::HmacSha1) => form(v1::signed_form(call, key, stamp)),
        Signer::Nobody => form(v1::unsigned_form(call, stamp)),
        Signer::Key(key, Signature::Acs3HmacSha256) => {
            let query = canonical_query(&call.parameters);
            let headers = v3::signed_headers(call, &query, host, key, stamp);
            Prepared { query, headers, body: String::new() }
        }
    }
}

fn form(body: String) -> Prepared {
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Prepared { query: String::new(), headers, body }
}
