//! Signature version 1.0: HMAC-SHA1 over the sorted parameters, <https://help.aliyun.com/document_detail/25490.htm>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::encode::encode;
use crate::error::CloudError;
use crate::request::Request;

/// What the signature of a request must be under this secret.
pub fn signature(request: &Request, secret: &str) -> Result<String, CloudError> {
    sign(&string_to_sign(&request.method, &request.parameters), secret)
}

/// Method, path and all parameters but the signature. The query in it is encoded a second time.
pub fn string_to_sign(method: &str, parameters: &BTreeMap<String, String>) -> String {
    let signed = parameters.iter().filter(|(name, _)| *name != "Signature");
    let pairs: Vec<_> = signed.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    format!("{method}&{}&{}", encode("/"), encode(&pairs.join("&")))
}

fn sign(string_to_sign: &str, secret: &str) -> Result<String, CloudError> {
    let key = format!("{secret}&");
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).map_err(CloudError::internal)?;
    mac.update(string_to_sign.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        v1: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        method: String,
        params: BTreeMap<String, String>,
        access_key_secret: String,
        string_to_sign: String,
        signature: String,
    }

    const VECTORS: &str = include_str!("../../../tests/data/signature-vectors.json");

    #[test]
    fn the_published_signatures_come_out() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.v1.len(), 12);
        for vector in vectors.v1 {
            let string = string_to_sign(&vector.method, &vector.params);
            assert_eq!(string, vector.string_to_sign, "{}", vector.name);
            assert_eq!(
                sign(&string, &vector.access_key_secret).unwrap(),
                vector.signature,
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn the_signature_itself_is_not_signed() {
        let mut parameters = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let without = string_to_sign("GET", &parameters);
        parameters.insert("Signature".to_owned(), "x".to_owned());
        assert_eq!(string_to_sign("GET", &parameters), without);
    }
}
