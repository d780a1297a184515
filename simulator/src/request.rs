//! A request as it arrived.

use std::collections::BTreeMap;

use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Parts;
use url::form_urlencoded;

use super::error::CloudError;

/// Parameters of the protocol in signature version 1.0; all others belong to the operation.
const COMMON: [&str; 11] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// A request with its parameters decoded, wherever they stood.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub method: String,
    pub path: String,
    pub host: String,
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    /// Those of the query and the form together, in the byte order of their names: the order of the signature.
    pub parameters: BTreeMap<String, String>,
    /// As it came.
    pub body: Vec<u8>,
    /// There is a body, and it is no form.
    foreign_body: bool,
}

impl Request {
    /// Parameters may stand in the query (official Python SDKs), in a form in the body (official Node client), or both.
    pub fn new(parts: &Parts, body: &[u8]) -> Self {
        let text =
            |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let header = |name| parts.headers.get(name).map(text).unwrap_or_default();
        let is_form = header(CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
        let query = decode(parts.uri.query().unwrap_or_default().as_bytes());
        let form = if is_form { decode(body) } else { Vec::new() };
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            host: header(HOST),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            parameters: query.iter().chain(&form).cloned().collect(),
            query,
            form,
            body: body.to_vec(),
            foreign_body: !is_form && !body.is_empty(),
        }
    }

    /// A parameter that is present, even when empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that must be present and not empty.
    pub fn required(&self, name: &str) -> Result<&str, CloudError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| CloudError::missing(name))
    }

    /// A header that is present, even when empty.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Signature version 3 has the parameters of the protocol in headers.
    pub fn is_version_3(&self) -> bool {
        self.header("authorization").is_some()
    }

    /// A parameter of the protocol, by its name in version 1.0 and its header in version 3.
    pub fn common(&self, name: &str, header: &str) -> &str {
        let value = if self.is_version_3() { self.header(header) } else { self.get(name) };
        value.unwrap_or_default()
    }

    /// The operation; at the doors beside the API, method and path.
    pub fn action(&self) -> String {
        match self.path.as_str() {
            "/" => self.common("Action", "x-acs-action").to_owned(),
            path => format!("{} {path}", self.method),
        }
    }

    pub fn region(&self) -> &str {
        self.get("RegionId").unwrap_or_default()
    }

    pub fn nonce(&self) -> &str {
        self.common("SignatureNonce", "x-acs-signature-nonce")
    }

    /// The parameters of the operation.
    pub fn business(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| self.is_version_3() || !COMMON.contains(name))
    }

    /// Method, path, format, and each parameter once.
    pub fn check_protocol(&self) -> Result<(), CloudError> {
        if !["GET", "POST"].contains(&self.method.as_str()) {
            return Err(CloudError::new(403, "UnsupportedHTTPMethod", "The HTTP method is not supported."));
        }
        if self.path != "/" {
            return Err(CloudError::new(404, "InvalidApi.NotFound", "RPC calls go to the path /."));
        }
        if self.foreign_body {
            return Err(CloudError::bad(
                "InvalidParameter.Body",
                "A body must be application/x-www-form-urlencoded.",
            ));
        }
        if self.parameters.len() < self.query.len() + self.form.len() {
            return Err(CloudError::bad("InvalidParameter.Duplicate", "A parameter is given twice."));
        }
        if self.is_version_3() { Ok(()) } else { self.check_format() }
    }

    /// The documents disagree on the default format, so a client must name the one it wants. The new SDK writes `json`.
    fn check_format(&self) -> Result<(), CloudError> {
        match self.required("Format")? {
            format if format.eq_ignore_ascii_case("JSON") => Ok(()),
            format if format.eq_ignore_ascii_case("XML") => {
                Err(CloudError::invalid("Format", "XML is not simulated"))
            }
            _ => Err(CloudError::invalid("Format", "it is JSON or XML")),
        }
    }
}

fn decode(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

#[cfg(test)]
impl Request {
    /// A request as from the wire, for tests: the parameters in the query of a GET or the form of a POST.
    pub fn from_parameters(method: &str, parameters: &[(&str, &str)]) -> Self {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let builder = hyper::Request::builder().method(method).header(HOST, "simulator");
        let (builder, body) = match method {
            "POST" => (builder.uri("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded"), encoded),
            _ => (builder.uri(format!("/?{encoded}")), String::new()),
        };
        let (parts, body) = builder.body(body).unwrap().into_parts();
        Self::new(&parts, body.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(method: &str, parameters: &[(&str, &str)]) -> String {
        Request::from_parameters(method, parameters).check_protocol().unwrap_err().code
    }

    #[test]
    fn parameters_are_found_in_the_query_and_in_the_form() {
        let request = hyper::Request::builder().method("POST").uri("/?Action=ListTags&Format=json");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
        let (parts, body) =
            request.body("RegionId=cn-hangzhou&Tag.1.Key=%E8%B4%9F+%2B").unwrap().into_parts();
        let request = Request::new(&parts, body.as_bytes());
        assert!(request.check_protocol().is_ok());
        assert_eq!(request.action(), "ListTags");
        let business: Vec<_> = request.business().collect();
        assert_eq!(business, [("RegionId", "cn-hangzhou"), ("Tag.1.Key", "负 +")]);
    }

    #[test]
    fn a_request_outside_the_protocol_is_refused() {
        assert_eq!(code("DELETE", &[("Format", "JSON")]), "UnsupportedHTTPMethod");
        assert_eq!(code("GET", &[]), "MissingFormat");
        assert_eq!(code("GET", &[("Format", "XML")]), "InvalidParameter.Format");
        assert_eq!(code("GET", &[("Format", "YAML")]), "InvalidParameter.Format");
        assert_eq!(code("POST", &[("Format", "JSON"), ("A", "1"), ("A", "2")]), "InvalidParameter.Duplicate");
    }
}
