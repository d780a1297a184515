//! RPC signature 1.0 (HMAC-SHA1) in three pure steps: canonical query, string to sign, signature.
//!
//! Source: "RPC signature mechanism", <https://help.aliyun.com/document_detail/25490.htm>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use sha1::Sha1;

use super::call::{AccessKey, Call, Stamp};

/// Everything but `A-Z a-z 0-9 - _ . ~` is encoded, as `%XY` with upper-case digits.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Every request goes as a POST, so that no key, token or signature stands in a URL.
pub const METHOD: &str = "POST";

/// The parameters of a call with the common ones, signed, as an `application/x-www-form-urlencoded` body.
///
/// The official Node client (`@alicloud/pop-core`) sends the same form.
pub fn signed_form(call: &Call<'_>, key: &AccessKey, stamp: &Stamp) -> String {
    let query = canonical_query(&all_parameters(call, key, stamp));
    let signature = signature(key.secret.expose_secret(), &string_to_sign(METHOD, &query));
    format!("{query}&Signature={}", percent_encode(&signature))
}

/// Step 1: names and values percent-encoded and joined, in the byte order of the names.
pub fn canonical_query<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    query
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

fn all_parameters(call: &Call<'_>, key: &AccessKey, stamp: &Stamp) -> BTreeMap<String, String> {
    let mut all = call.parameters.clone();
    let common = [
        ("Action", call.action),
        ("Version", call.version),
        ("Format", "JSON"),
        ("AccessKeyId", &key.id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", &stamp.nonce),
    ];
    all.extend(common.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all.insert("Timestamp".to_owned(), stamp.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    if let Some(token) = &key.security_token {
        all.insert("SecurityToken".to_owned(), token.expose_secret().to_owned());
    }
    all
}

fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
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
            serde_json::from_str(include_str!("../../tests/data/signature-vectors.json")).unwrap();
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

    proptest! {
        #[test]
        fn the_canonical_query_decodes_to_the_parameters(
            parameters in prop::collection::btree_map(".{0,12}", ".{0,12}", 0..6),
        ) {
            let query = canonical_query(&parameters);
            prop_assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%=&".contains(&b)));
            let decoded: BTreeMap<String, String> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            prop_assert_eq!(decoded, parameters);
        }
    }
}
