//! Signature version 3, ACS3-HMAC-SHA256: canonical request, string to sign, signature.
//!
//! Source: "V3 request structure and signature", <https://help.aliyun.com/document_detail/2593177.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::canonical::{METHOD, moment};
use crate::cloud::api::call::{AccessKey, Call, Stamp};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The headers of a request with `query` and an empty body, `host` left out.
pub fn signed_headers(
    call: &Call<'_>,
    query: &str,
    host: &str,
    key: &AccessKey,
    stamp: &Stamp,
) -> Vec<(&'static str, String)> {
    let payload = hex_sha256(b"");
    let mut headers = vec![
        ("x-acs-action", call.action.to_owned()),
        ("x-acs-version", call.version.to_owned()),
        ("x-acs-date", moment(stamp)),
        ("x-acs-signature-nonce", stamp.nonce.clone()),
        ("x-acs-content-sha256", payload.clone()),
    ];
    if let Some(token) = &key.security_token {
        headers.push(("x-acs-accesskey-id", key.id.clone()));
        headers.push(("x-acs-security-token", token.expose_secret().to_owned()));
    }
    let sent = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signed = SignedHeaders::of(sent.chain([("host", host)]));
    let request = canonical_request(METHOD, query, &signed, &payload);
    let signature = signature(key.secret.expose_secret(), &string_to_sign(&request));
    let authorization =
        format!("{ALGORITHM} Credential={},SignedHeaders={},Signature={signature}", key.id, signed.names);
    headers.push(("authorization", authorization));
    headers.push(("accept", "application/json".to_owned()));
    headers
}

/// The headers that count: `x-acs-*`, `host` and `content-type`. A proxy may change any other.
pub struct SignedHeaders {
    /// A line for each, `name:value`, sorted by name.
    pub lines: String,
    /// Joined with `;`.
    pub names: String,
}

impl SignedHeaders {
    /// Values are trimmed; those of one name are sorted and joined with commas.
    pub fn of<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut by_name = BTreeMap::<String, Vec<&str>>::new();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if name.starts_with("x-acs-") || name == "host" || name == "content-type" {
                by_name.entry(name).or_default().push(value.trim());
            }
        }
        let mut lines = String::new();
        for (name, values) in &mut by_name {
            values.sort_unstable();
            lines += &format!("{name}:{}\n", values.join(","));
        }
        Self { lines, names: by_name.into_keys().collect::<Vec<_>>().join(";") }
    }
}

/// Step 1, for the path `/`.
pub fn canonical_request(method: &str, query: &str, headers: &SignedHeaders, payload_sha256: &str) -> String {
    let SignedHeaders { lines, names } = headers;
    format!("{method}\n/\n{query}\n{lines}\n{names}\n{payload_sha256}")
}

/// Step 2.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hex_sha256(canonical_request.as_bytes()))
}

/// Step 3: HMAC-SHA256 under the secret as it is, in hexadecimal.
pub fn signature(access_key_secret: &str, string_to_sign: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(access_key_secret.as_bytes());
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::cloud::api::sign::canonical_query;

    #[derive(Deserialize)]
    struct Vectors {
        v3: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        method: String,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        payload_sha256: String,
        access_key_id: String,
        access_key_secret: String,
        canonical_request: String,
        string_to_sign: String,
        signed_headers: String,
        signature: String,
        authorization: String,
    }

    fn vectors() -> Vec<Vector> {
        let text = include_str!("../../../../tests/data/signature-vectors.json");
        serde_json::from_str::<Vectors>(text).unwrap().v3
    }

    #[test]
    fn every_vector_holds_step_by_step() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 7);
        for vector in vectors {
            let name = vector.name;
            let headers = vector.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let headers = SignedHeaders::of(headers);
            let query = canonical_query(&vector.query);
            let request = canonical_request(&vector.method, &query, &headers, &vector.payload_sha256);
            assert_eq!(request, vector.canonical_request, "canonical request of {name}");
            assert_eq!(headers.names, vector.signed_headers, "signed headers of {name}");
            let text = string_to_sign(&request);
            assert_eq!(text, vector.string_to_sign, "string to sign of {name}");
            assert_eq!(signature(&vector.access_key_secret, &text), vector.signature, "{name}");
        }
    }

    /// The vectors of our own kind of request come out of the whole, not of the steps alone.
    #[test]
    fn a_call_becomes_the_request_of_its_vector() {
        let ours = vectors().into_iter().filter(|vector| {
            vector.method == "POST" && vector.headers.get("x-acs-version").is_some_and(|v| v == "2019-01-01")
        });
        let mut compared = 0;
        for vector in ours {
            let header = |name: &str| vector.headers.get(name).cloned();
            let action = header("x-acs-action").unwrap();
            let call = Call {
                product: "hbase",
                action: &action,
                version: "2019-01-01",
                region: "cn-hangzhou",
                parameters: vector.query.clone(),
            };
            let key = AccessKey {
                id: vector.access_key_id.clone(),
                secret: vector.access_key_secret.as_str().into(),
                security_token: header("x-acs-security-token").map(Into::into),
            };
            let now = header("x-acs-date").unwrap().parse().unwrap();
            let stamp = Stamp { now, nonce: header("x-acs-signature-nonce").unwrap() };
            let query = canonical_query(&call.parameters);
            let headers = signed_headers(&call, &query, &header("host").unwrap(), &key, &stamp);
            let sent: BTreeMap<_, _> = headers.into_iter().collect();
            assert_eq!(sent["authorization"], vector.authorization, "{}", vector.name);
            compared += 1;
        }
        assert_eq!(compared, 2, "one with a plain key, one with a token");
    }
}
