//! Signature version 1.0, HMAC-SHA1: canonical query, string to sign, signature.
//!
//! Source: "RPC signature mechanism", <https://help.aliyun.com/document_detail/25490.htm>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use sha1::Sha1;

use super::canonical::{METHOD, canonical_query, moment, percent_encode};
use crate::cloud::api::call::{AccessKey, Call, Stamp};

/// The parameters of a call with the common ones, signed, as an `application/x-www-form-urlencoded` body.
///
/// The official Node client (`@alicloud/pop-core`) sends the same form.
pub fn signed_form(call: &Call<'_>, key: &AccessKey, stamp: &Stamp) -> String {
    let query = canonical_query(&signed_parameters(call, key, stamp));
    let signature = signature(key.secret.expose_secret(), &string_to_sign(METHOD, &query));
    format!("{query}&Signature={}", percent_encode(&signature))
}

/// The same without a signature. A secret in it, such as an OIDC token, stays out of the URL too.
pub fn unsigned_form(call: &Call<'_>, stamp: &Stamp) -> String {
    canonical_query(&unsigned_parameters(call, stamp))
}

/// Step 2: the method, the encoded path `/` and the canonical query, encoded once more.
pub fn string_to_sign(method: &str, canonical_query: &str) -> String {
    format!("{method}&%2F&{}", percent_encode(canonical_query))
}

/// Step 3: HMAC-SHA1 under the secret followed by `&`, in base64.
pub fn signature(access_key_secret: &str, string_to_sign: &str) -> String {
    let key = format!("{access_key_secret}&");
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn signed_parameters(call: &Call<'_>, key: &AccessKey, stamp: &Stamp) -> BTreeMap<String, String> {
    let mut all = unsigned_parameters(call, stamp);
    let common = [
        ("AccessKeyId", key.id.as_str()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", &stamp.nonce),
    ];
    all.extend(common.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let Some(token) = &key.security_token {
        all.insert("SecurityToken".to_owned(), token.expose_secret().to_owned());
    }
    all
}

fn unsigned_parameters(call: &Call<'_>, stamp: &Stamp) -> BTreeMap<String, String> {
    let mut all = call.parameters.clone();
    let common = [("Action", call.action), ("Version", call.version), ("Format", "JSON")];
    all.extend(common.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all.insert("Timestamp".to_owned(), moment(stamp));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        v1: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        method: String,
        params: BTreeMap<String, String>,
        access_key_secret: String,
        string_to_sign: String,
        signature: String,
    }

    #[test]
    fn every_vector_holds_step_by_step() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../../../../tests/data/signature-vectors.json")).unwrap();
        assert_eq!(vectors.v1.len(), 12);
        for vector in vectors.v1 {
            let text = string_to_sign(&vector.method, &canonical_query(&vector.params));
            assert_eq!(text, vector.string_to_sign, "string to sign of {}", vector.name);
            assert_eq!(signature(&vector.access_key_secret, &text), vector.signature, "{}", vector.name);
        }
    }

    #[test]
    fn the_form_holds_the_security_token_only_with_temporary_credentials() {
        let call = Call {
            product: "hbase",
            action: "ListTags",
            version: "2019-01-01",
            region: "r",
            parameters: BTreeMap::new(),
        };
        let stamp = Stamp { now: "2026-11-24T03:00:00.5Z".parse().unwrap(), nonce: "n".to_owned() };
        let mut key = AccessKey { id: "id".to_owned(), secret: "s".into(), security_token: None };
        let form = signed_form(&call, &key, &stamp);
        assert!(form.contains("Timestamp=2026-11-24T03%3A00%3A00Z"), "{form}");
        assert!(!form.contains("SecurityToken"), "{form}");
        key.security_token = Some("a/b".into());
        assert!(signed_form(&call, &key, &stamp).contains("SecurityToken=a%2Fb"));
    }
}
