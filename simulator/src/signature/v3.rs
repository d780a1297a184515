//! ACS3-HMAC-SHA256, <https://help.aliyun.com/document_detail/2593177.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::encode::encode;
use crate::error::CloudError;
use crate::request::Request;

/// `Authorization`, taken apart.
pub struct Authorization<'a> {
    pub access_key_id: &'a str,
    signed_headers: Vec<&'a str>,
    pub signature: &'a str,
}

/// What a signed request must have among its signed headers.
const NEEDED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

impl<'a> Authorization<'a> {
    pub fn of(request: &'a Request) -> Result<Self, CloudError> {
        let incomplete = |why: &str| CloudError::bad("IncompleteSignature", why);
        let text = request.header("authorization").unwrap_or_default();
        let rest = text.strip_prefix("ACS3-HMAC-SHA256 ").ok_or_else(|| {
            CloudError::bad("InvalidSignatureMethod", "Only ACS3-HMAC-SHA256 is simulated.")
        })?;
        let parts: BTreeMap<_, _> = rest.split(',').filter_map(|part| part.split_once('=')).collect();
        let part =
            |name| parts.get(name).copied().ok_or_else(|| incomplete("A part of Authorization is missing."));
        let signed_headers: Vec<_> = part("SignedHeaders")?.split(';').collect();
        if !signed_headers.is_sorted() || NEEDED.iter().any(|name| !signed_headers.contains(name)) {
            return Err(incomplete("SignedHeaders is not sorted, or lacks one that is needed."));
        }
        Ok(Self { access_key_id: part("Credential")?, signed_headers, signature: part("Signature")? })
    }

    /// What the signature must be under this secret.
    pub fn expected(&self, request: &Request, secret: &str) -> Result<String, CloudError> {
        sign(&string_to_sign(&self.canonical_request(request)), secret)
    }

    /// Every `x-acs-` header must be signed, with those that are named.
    pub fn check_headers(&self, request: &Request) -> Result<(), CloudError> {
        let unsigned = request
            .headers
            .iter()
            .find(|(name, _)| name.starts_with("x-acs-") && !self.signed_headers.contains(&name.as_str()));
        if let Some((name, _)) = unsigned {
            return Err(CloudError::bad("IncompleteSignature", format!("The header {name} is not signed.")));
        }
        match request.header("x-acs-content-sha256") == Some(&hex(&Sha256::digest(&request.body))) {
            true => Ok(()),
            false => Err(CloudError::bad("InvalidContentSha256", "The digest is not that of the body.")),
        }
    }

    pub fn canonical_request(&self, request: &Request) -> String {
        let mut query: Vec<_> =
            request.query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
        query.sort();
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let mut values: Vec<_> = request
                .headers
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
                .collect();
            values.sort_unstable();
            let _ = writeln!(headers, "{name}:{}", values.join(","));
        }
        let digest = request.header("x-acs-content-sha256").unwrap_or_default();
        let (method, path) = (&request.method, &request.path);
        format!(
            "{method}\n{path}\n{}\n{headers}\n{}\n{digest}",
            query.join("&"),
            self.signed_headers.join(";")
        )
    }
}

fn string_to_sign(canonical_request: &str) -> String {
    format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical_request.as_bytes())))
}

fn sign(string_to_sign: &str, secret: &str) -> Result<String, CloudError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(CloudError::internal)?;
    mac.update(string_to_sign.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        v3: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        method: String,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        payload_sha256: String,
        access_key_secret: String,
        canonical_request: String,
        string_to_sign: String,
        signature: String,
        authorization: String,
    }

    const VECTORS: &str = include_str!("../../../tests/data/signature-vectors.json");

    #[test]
    fn the_published_signatures_come_out() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.v3.len(), 7);
        for vector in vectors.v3 {
            let mut headers: Vec<_> = vector.headers.into_iter().collect();
            // Two of the vectors leave the digest out of the headers.
            headers.push(("x-acs-content-sha256".to_owned(), vector.payload_sha256));
            let (_, rest) = vector.authorization.split_once("SignedHeaders=").unwrap();
            let (names, signature) = rest.split_once(",Signature=").unwrap();
            let authorization =
                Authorization { access_key_id: "", signed_headers: names.split(';').collect(), signature };
            headers.sort();
            headers.dedup();
            let query = vector.query.into_iter().collect();
            let (method, path) = (vector.method, "/".to_owned());
            let mut request = Request::default();
            (request.method, request.path, request.headers, request.query) = (method, path, headers, query);
            let canonical = authorization.canonical_request(&request);
            assert_eq!(canonical, vector.canonical_request, "{}", vector.name);
            assert_eq!(string_to_sign(&canonical), vector.string_to_sign, "{}", vector.name);
            let expected = authorization.expected(&request, &vector.access_key_secret).unwrap();
            assert_eq!(
                (expected.as_str(), signature),
                (vector.signature.as_str(), vector.signature.as_str())
            );
        }
    }
}
