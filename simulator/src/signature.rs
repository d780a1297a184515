//! Who sent the request, and when? Written from the vendor's pages, without a look at the exporter's signer.
//!
//! A request with an `Authorization` header is one of version 3, ACS3-HMAC-SHA256; the others are of version 1.0,
//! HMAC-SHA1 over the parameters.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::access_key::AccessKey;
use super::error::CloudError;
use super::request::Request;

mod encode;
mod v1;
mod v3;

/// The text of InvalidTimeStamp.Expired says 15 minutes, <https://help.aliyun.com/document_detail/48054.html>; the page
/// on signatures says 31. The narrower one is checked.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// Accepts a request that a known key has signed within the last 15 minutes.
pub(super) fn check(
    request: &Request,
    keys: &BTreeMap<String, AccessKey>,
    now: Timestamp,
) -> Result<(), CloudError> {
    match request.is_version_3() {
        true => check_v3(request, keys, now),
        false => check_v1(request, keys, now),
    }
}

/// Accepts a request that needs no signature, when it was made within the last 15 minutes.
pub(super) fn check_unsigned(request: &Request, now: Timestamp) -> Result<(), CloudError> {
    check_timestamp(request.required("Timestamp")?, now)
}

/// The key that a request claims to be signed by.
pub(super) fn signer<'a>(
    request: &Request,
    keys: &'a BTreeMap<String, AccessKey>,
) -> Result<&'a AccessKey, CloudError> {
    let id = match request.is_version_3() {
        true => v3::Authorization::of(request)?.access_key_id,
        false => request.required("AccessKeyId")?,
    };
    keys.get(id).ok_or_else(unknown_key)
}

fn check_v1(request: &Request, keys: &BTreeMap<String, AccessKey>, now: Timestamp) -> Result<(), CloudError> {
    check_mechanism(request)?;
    check_timestamp(request.required("Timestamp")?, now)?;
    request.required("SignatureNonce")?;
    let key = signer(request, keys)?;
    check_token(request.get("SecurityToken"), key, now)?;
    match request.required("Signature")? == v1::signature(request, &key.secret)? {
        true => Ok(()),
        false => Err(mismatch(request)),
    }
}

fn check_v3(request: &Request, keys: &BTreeMap<String, AccessKey>, now: Timestamp) -> Result<(), CloudError> {
    let authorization = v3::Authorization::of(request)?;
    authorization.check_headers(request)?;
    check_timestamp(request.header("x-acs-date").unwrap_or_default(), now)?;
    if request.nonce().is_empty() {
        return Err(CloudError::missing("SignatureNonce"));
    }
    let key = signer(request, keys)?;
    check_token(request.header("x-acs-security-token"), key, now)?;
    match authorization.signature == authorization.expected(request, &key.secret)? {
        true => Ok(()),
        false => Err(mismatch(request)),
    }
}

/// The refusal of a wrong signature. Like the cloud, it echoes the whole string to sign, tokens included.
pub(super) fn mismatch(request: &Request) -> CloudError {
    let echo = match v3::Authorization::of(request) {
        Ok(authorization) => authorization.canonical_request(request),
        Err(_) => v1::string_to_sign(&request.method, &request.parameters),
    };
    let message =
        format!("Specified signature is not matched with our calculation. server string to sign is:{echo}");
    CloudError::bad("SignatureDoesNotMatch", message)
}

/// The refusal of a request from outside the window.
pub(super) fn expired() -> CloudError {
    CloudError::bad("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
}

/// The refusal of a nonce that was used before.
pub(super) fn nonce_used() -> CloudError {
    CloudError::bad("SignatureNonceUsed", "Specified signature nonce was used already.")
}

fn unknown_key() -> CloudError {
    CloudError::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
}

/// The classic SDK sends `SignatureType=`, empty and signed.
fn check_mechanism(request: &Request) -> Result<(), CloudError> {
    match request.required("SignatureMethod")? {
        "HMAC-SHA1" => {}
        _ => return Err(CloudError::bad("InvalidSignatureMethod", "Only HMAC-SHA1 is simulated.")),
    }
    match (request.required("SignatureVersion")?, request.get("SignatureType").unwrap_or_default()) {
        ("1.0", "") => Ok(()),
        ("1.0", _) => Err(CloudError::invalid("SignatureType", "bearer tokens are not simulated")),
        _ => Err(CloudError::invalid("SignatureVersion", "it is 1.0")),
    }
}

/// `yyyy-MM-ddTHH:mm:ssZ`, and not more than [`WINDOW`] from the cloud's clock.
fn check_timestamp(text: &str, now: Timestamp) -> Result<(), CloudError> {
    let stamp = parse_timestamp(text).ok_or_else(|| {
        CloudError::bad(
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        )
    })?;
    match now.duration_since(stamp).abs() <= WINDOW {
        true => Ok(()),
        false => Err(expired()),
    }
}

fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y-%m-%dT%H:%M:%SZ", text).ok().filter(|_| text.len() == 20)?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn check_token(given: Option<&str>, key: &AccessKey, now: Timestamp) -> Result<(), CloudError> {
    match (given, key.security_token.as_deref()) {
        (None, None) => Ok(()),
        (Some(given), Some(expected)) if given == expected => match key.expiration {
            Some(end) if end <= now => {
                Err(CloudError::bad("InvalidSecurityToken.Expired", "Specified SecurityToken is expired."))
            }
            _ => Ok(()),
        },
        (None, Some(_)) => Err(CloudError::missing("SecurityToken")),
        (Some(_), Some(_)) => {
            Err(CloudError::bad("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."))
        }
        (Some(_), None) => Err(CloudError::bad(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken does not belong to the access key.",
        )),
    }
}

/// Nonces of recent requests. One that is older than any acceptable timestamp is forgotten.
#[derive(Default)]
pub(super) struct Nonces {
    used: HashSet<String>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Nonces {
    pub fn use_once(&mut self, nonce: &str, now: Timestamp) -> Result<(), CloudError> {
        self.forget_old(now);
        if !self.used.insert(nonce.to_owned()) {
            return Err(nonce_used());
        }
        self.by_age.push_back((now, nonce.to_owned()));
        Ok(())
    }

    /// A timestamp may lie one window ahead, so a request could be repeated for two.
    fn forget_old(&mut self, now: Timestamp) {
        while let Some((seen, nonce)) = self.by_age.front() {
            if now.duration_since(*seen) <= WINDOW * 2 {
                return;
            }
            self.used.remove(nonce);
            self.by_age.pop_front();
        }
    }
}

/// Requests for the tests of other modules.
#[cfg(test)]
pub(super) mod example {
    use super::*;

    /// A POST that `testid` has signed at a moment, with a fresh nonce, about `cn-hangzhou`.
    pub fn signed(action: &str, parameters: &[(&str, &str)], now: Timestamp) -> Request {
        let (nonce, stamp) = (fastrand::u64(..).to_string(), now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let mut all = vec![
            ("AccessKeyId", "testid"),
            ("Action", action),
            ("Format", "JSON"),
            ("RegionId", "cn-hangzhou"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", &nonce),
            ("SignatureVersion", "1.0"),
            ("Timestamp", &stamp),
            ("Version", "2019-01-01"),
        ];
        all.extend(parameters);
        let signature = v1::signature(&Request::from_parameters("POST", &all), "testsecret").unwrap();
        all.push(("Signature", &signature));
        Request::from_parameters("POST", &all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2024-01-02T03:04:05Z";

    fn request(change: &[(&str, &str)]) -> Request {
        let mut parameters: BTreeMap<&str, &str> = BTreeMap::from([
            ("Action", "ListTags"),
            ("AccessKeyId", "testid"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", "n"),
            ("Timestamp", NOW),
        ]);
        parameters.extend(change.iter().copied());
        let unsigned = Request::from_parameters("POST", &parameters.clone().into_iter().collect::<Vec<_>>());
        let signature = v1::signature(&unsigned, "testsecret").unwrap();
        parameters.entry("Signature").or_insert(&signature);
        Request::from_parameters("POST", &parameters.into_iter().collect::<Vec<_>>())
    }

    fn outcome(key: AccessKey, change: &[(&str, &str)]) -> String {
        let keys = BTreeMap::from([("testid".to_owned(), key)]);
        match check(&request(change), &keys, NOW.parse().unwrap()) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.code,
        }
    }

    #[test]
    fn a_signed_request_is_accepted_and_a_changed_one_is_not() {
        let key = || AccessKey::long_term("testsecret");
        assert_eq!(outcome(key(), &[]), "accepted");
        assert_eq!(outcome(key(), &[("SignatureType", "")]), "accepted");
        for (change, code) in [
            (("AccessKeyId", "other"), "InvalidAccessKeyId.NotFound"),
            (("AccessKeyId", ""), "MissingAccessKeyId"),
            (("Signature", "AAAA"), "SignatureDoesNotMatch"),
            (("SignatureMethod", "HMAC-SHA256"), "InvalidSignatureMethod"),
            (("SignatureNonce", ""), "MissingSignatureNonce"),
            (("SignatureType", "BEARERTOKEN"), "InvalidParameter.SignatureType"),
            (("SignatureVersion", "2.0"), "InvalidParameter.SignatureVersion"),
            (("SecurityToken", "t"), "InvalidSecurityToken.MismatchWithAccessKey"),
        ] {
            assert_eq!(outcome(key(), &[change]), code, "{change:?}");
        }
        assert_eq!(outcome(AccessKey::long_term("wrong"), &[]), "SignatureDoesNotMatch");
    }

    #[test]
    fn a_temporary_key_needs_its_token() {
        let key = || AccessKey::temporary("testsecret", "CAIS+/=");
        assert_eq!(outcome(key(), &[("SecurityToken", "CAIS+/=")]), "accepted");
        assert_eq!(outcome(key(), &[("SecurityToken", "CAIS")]), "InvalidSecurityToken.Malformed");
        assert_eq!(outcome(key(), &[]), "MissingSecurityToken");
    }

    #[test]
    fn a_timestamp_is_exact_and_within_fifteen_minutes() {
        for (stamp, code) in [
            ("2024-01-02T02:49:05Z", "accepted"),
            ("2024-01-02T03:19:05Z", "accepted"),
            ("2024-01-02T02:49:04Z", "InvalidTimeStamp.Expired"),
            ("2024-01-02T03:19:06Z", "InvalidTimeStamp.Expired"),
            ("2024-01-02T03:04:05", "InvalidTimeStamp.Format"),
            ("2024-1-2T3:4:5Z", "InvalidTimeStamp.Format"),
            ("2024-01-02T03:04:05.123Z", "InvalidTimeStamp.Format"),
            ("2024-01-02 03:04:05Z", "InvalidTimeStamp.Format"),
            ("2024-13-02T03:04:05Z", "InvalidTimeStamp.Format"),
        ] {
            assert_eq!(outcome(AccessKey::long_term("testsecret"), &[("Timestamp", stamp)]), code, "{stamp}");
        }
    }

    #[test]
    fn a_mismatch_echoes_the_string_to_sign() {
        let request = request(&[("Signature", "AAAA")]);
        let message = mismatch(&request).message;
        assert!(
            message.contains("server string to sign is:POST&%2F&AccessKeyId%3Dtestid%26Action"),
            "{message}"
        );
        assert!(!message.contains("AAAA"));
    }

    #[test]
    fn a_nonce_counts_once_and_is_forgotten_in_the_end() {
        let mut nonces = Nonces::default();
        let now: Timestamp = NOW.parse().unwrap();
        assert!(nonces.use_once("a", now).is_ok());
        assert_eq!(nonces.use_once("a", now + WINDOW * 2).unwrap_err().code, "SignatureNonceUsed");
        assert!(nonces.use_once("a", now + WINDOW * 3).is_ok());
        assert_eq!(nonces.used.len(), 1);
    }
}
