//! The one HTTP call to the cloud.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use serde_json_borrow::Value;
use url::{Position, Url};

use super::call::{Call, Stamp};
use super::error::{ApiError, ErrorKind, classify, refusal};
use super::half_pairs::without_half_pairs;
use super::sign::{Prepared, Signer, prepared};

/// A longer answer is refused. A page of 100 clusters has about 150 KB.
const MAX_ANSWER: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// As the official SDKs wait for the metadata server.
const DIRECT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for the cloud: it keeps connections, and uses the proxy that the environment names.
pub fn http_client(request_timeout: Duration) -> reqwest::Result<reqwest::Client> {
    builder()?.timeout(request_timeout).connect_timeout(CONNECT_TIMEOUT).build()
}

/// A client for local addresses, such as the metadata server: no proxy, and short timeouts.
pub fn direct_client() -> reqwest::Result<reqwest::Client> {
    builder()?.no_proxy().connect_timeout(DIRECT_CONNECT_TIMEOUT).build()
}

/// It follows no redirect (a signed request is for one host only) and trusts the system's roots, with the bundled
/// ones beside them for images that have none.
fn builder() -> reqwest::Result<reqwest::ClientBuilder> {
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| reqwest::Certificate::from_der(der))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .tls_certs_merge(bundled))
}

/// Signs, sends once, and decodes or classifies: an answer is a JSON object of a request that worked. `decode` may
/// say what is missing in it.
pub async fn exchange<T>(
    http: &reqwest::Client,
    endpoint: &Url,
    call: &Call<'_>,
    signer: Signer<'_>,
    stamp: &Stamp,
    decode: impl Fn(&Value<'_>) -> Result<T, String>,
) -> Result<T, ApiError> {
    let transport = |problem: String| call.error(ErrorKind::Transport { problem }, None);
    let prepared = prepared(call, authority(endpoint), signer, stamp);
    let request = request(http, endpoint, prepared).map_err(transport)?;
    let response = request.send().await.map_err(|error| transport(transport_problem(error)))?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let body = bounded_body(response, MAX_ANSWER)
        .await
        .map_err(|error| transport(transport_problem(error)))?
        .ok_or_else(|| call.error(too_long(), None))?;
    if status.is_success() {
        let undecodable = |problem, request_id| call.error(ErrorKind::Undecodable { problem }, request_id);
        let body = without_half_pairs(&body);
        let answer = object(&body).map_err(|problem| undecodable(problem, None))?;
        let decoded = decode(&answer);
        if let Some(kind) = refusal(&answer, decoded.is_ok()) {
            return Err(call.error(kind, request_id(&answer)));
        }
        return decoded.map_err(|problem| undecodable(problem, request_id(&answer)));
    }
    let (kind, request_id) = classify(status.as_u16(), retry_after, &body);
    Err(call.error(kind, request_id.as_deref()))
}

/// Host and port, the port only where it is not the default one: what HTTP sends as `Host`.
pub fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

fn request(
    http: &reqwest::Client,
    endpoint: &Url,
    prepared: Prepared,
) -> Result<reqwest::RequestBuilder, String> {
    let Prepared { query, headers, body } = prepared;
    let mut url = endpoint.clone();
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    let mut request = http.post(url).body(body);
    for (name, value) in headers {
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| format!("the header {name} cannot be sent"))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Ok(request)
}

fn object(body: &[u8]) -> Result<Value<'_>, String> {
    // At once, which is faster than string by string.
    let text =
        str::from_utf8(body).map_err(|error| format!("not UTF-8 text at byte {}", error.valid_up_to()))?;
    let answer: Value<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => format!("the JSON is truncated after {} bytes", body.len()),
        _ => format!("not valid JSON: line {}, column {}", error.line(), error.column()),
    })?;
    match answer {
        Value::Object(_) => Ok(answer),
        _ => Err("not a JSON object".to_owned()),
    }
}

fn request_id<'a>(answer: &'a Value<'_>) -> Option<&'a str> {
    answer.as_object()?.get("RequestId")?.as_str()
}

/// The whole body, or `None` when it has more than `most` bytes.
pub async fn bounded_body(mut response: reqwest::Response, most: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(announced.unwrap_or_default().min(most));
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
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
pub fn transport_problem(error: reqwest::Error) -> String {
    let error = error.without_url();
    let what = match () {
        () if error.is_connect() && error.is_timeout() => "connecting timed out",
        () if error.is_timeout() => "the request timed out",
        () if error.is_connect() => "could not connect",
        () if error.is_body() || error.is_decode() => "the answer was cut off",
        () => "the connection failed",
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_json_object_is_an_answer() {
        assert!(object(br#"{"RequestId":"x"}"#).is_ok());
        for (body, problem) in [
            ("", "is truncated"),
            ("<html>", "not valid JSON"),
            (r#"{"a":[1,"#, "is truncated"),
            ("null", "not a JSON object"),
            ("[]", "not a JSON object"),
        ] {
            let error = object(body.as_bytes()).unwrap_err();
            assert!(error.contains(problem), "{body:?}: {error}");
        }
    }
}
