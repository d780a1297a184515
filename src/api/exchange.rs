//! The one HTTP call to the cloud.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use serde_json::Value;
use url::Url;

use super::call::{AccessKey, Call, Stamp};
use super::error::{ApiError, ErrorKind, classify};
use super::sign::signed_form;

/// A longer answer is refused. A page of 100 clusters has about 150 KB.
const MAX_ANSWER: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A client that keeps connections, follows no redirect (a signed request is for one host only) and trusts the
/// system's roots, with the bundled ones beside them for images that have none.
pub fn http_client(request_timeout: Duration) -> reqwest::Result<reqwest::Client> {
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| reqwest::Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>()?;
    reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .timeout(request_timeout)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none())
        .tls_certs_merge(bundled)
        .build()
}

/// Signs, sends once, and decodes or classifies: an answer is a JSON object of a request that worked.
pub async fn exchange(
    http: &reqwest::Client,
    endpoint: &Url,
    call: &Call<'_>,
    key: &AccessKey,
    stamp: &Stamp,
) -> Result<Value, ApiError> {
    let transport = |error: reqwest::Error| call.error(transport_problem(error), None);
    let request = http
        .post(endpoint.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(signed_form(call, key, stamp));
    let response = request.send().await.map_err(transport)?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let body =
        bounded_body(response).await.map_err(transport)?.ok_or_else(|| call.error(too_long(), None))?;
    if status.is_success() {
        return decode(&body).map_err(|problem| call.error(ErrorKind::Undecodable { problem }, None));
    }
    let (kind, request_id) = classify(status.as_u16(), retry_after, &body);
    Err(call.error(kind, request_id.as_deref()))
}

fn decode(body: &[u8]) -> Result<Value, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => format!("the JSON ends early, after {} bytes", body.len()),
        _ => format!("no JSON, at line {} column {}", error.line(), error.column()),
    })?;
    match answer {
        Value::Object(_) => Ok(answer),
        _ => Err("JSON, but no object".to_owned()),
    }
}

/// The whole body, or `None` when it is longer than [`MAX_ANSWER`].
async fn bounded_body(mut response: reqwest::Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// `x-acs-retry-after`, in milliseconds, on any error (official SDK, `tea_openapi`).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let millis: u64 = headers.get("x-acs-retry-after")?.to_str().ok()?.trim().parse().ok()?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

fn too_long() -> ErrorKind {
    ErrorKind::Undecodable { problem: format!("longer than {} MiB", MAX_ANSWER >> 20) }
}

/// The text of a `reqwest` error without its URL, and the innermost cause.
fn transport_problem(error: reqwest::Error) -> ErrorKind {
    let error = error.without_url();
    let what = match () {
        () if error.is_connect() && error.is_timeout() => "connecting timed out",
        () if error.is_timeout() => "the request timed out",
        () if error.is_connect() => "could not connect",
        () if error.is_body() || error.is_decode() => "the answer broke off",
        () => "the connection failed",
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    let problem = match cause {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    };
    ErrorKind::Transport { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_json_object_is_an_answer() {
        assert!(decode(br#"{"RequestId":"x"}"#).is_ok());
        for (body, problem) in [
            ("", "ends early"),
            ("<html>", "no JSON"),
            (r#"{"a":[1,"#, "ends early"),
            ("null", "no object"),
            ("[]", "no object"),
        ] {
            let error = decode(body.as_bytes()).unwrap_err();
            assert!(error.contains(problem), "{body:?}: {error}");
        }
    }
}
