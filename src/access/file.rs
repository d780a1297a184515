//! The file as typed. Keys that this server has nothing for are refused, never ignored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Config, File, FileFormat};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;

use yaml_rust2::scanner::{Scanner, TokenType};

use crate::form::{self, KeyProblem};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebFile {
    pub tls_server_config: Option<Tls>,
    pub http_server_config: HttpServer,
    /// User names and bcrypt hashes.
    pub basic_auth_users: BTreeMap<String, SecretString>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub client_ca_file: Option<PathBuf>,
    pub client_auth_type: String,
    pub min_version: Option<String>,
    pub max_version: Option<String>,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    /// The client's wish counts, as in Go since 1.17.
    pub prefer_server_cipher_suites: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpServer {
    /// Only `false` can be kept to; `true` is Prometheus' default, and HTTP/1.1 serves its clients as well.
    pub http2: Option<bool>,
    pub headers: BTreeMap<String, String>,
}

/// The headers that exporters can be told to send.
const HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];

/// What can be read of the file, `None` where nothing can, and what is wrong with its form.
pub(super) fn parse(text: &str) -> (Option<WebFile>, Vec<KeyProblem>) {
    let whole = |text: &str| (None, vec![KeyProblem::new("", text)]);
    if has_references(text) {
        return whole("anchors and aliases are not supported");
    }
    let source = File::from_str(text, FileFormat::Yaml);
    match Config::builder().add_source(source).build() {
        Ok(read) => form::read(read.cache, |path| path.starts_with("basic_auth_users")),
        // The reader's own message may repeat a line, with a hash in it.
        Err(_) => whole("is not a valid YAML mapping"),
    }
}

/// Whether a part of the text stands for another one. A few lines of those can stand for gigabytes.
fn has_references(text: &str) -> bool {
    Scanner::new(text.chars()).any(|token| matches!(token.1, TokenType::Anchor(_) | TokenType::Alias(_)))
}

impl HttpServer {
    pub fn check(self, problems: &mut Vec<KeyProblem>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let path = format!("http_server_config.headers.{name}");
            let known = HEADERS.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let name = known.and_then(|known| HeaderName::from_bytes(known.as_bytes()).ok());
            match (name, HeaderValue::from_str(&value)) {
                (Some(name), Ok(value)) => _ = headers.insert(name, value),
                (None, _) => {
                    let text = format!("is not a supported header (supported: {})", HEADERS.join(", "));
                    problems.push(KeyProblem::new(path, text));
                }
                (_, Err(_)) => problems.push(KeyProblem::new(path, "is not a valid header value")),
            }
        }
        headers
    }
}
