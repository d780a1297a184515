//! The file as typed. Keys that this server has nothing for are refused, never ignored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Config, File, FileFormat};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Deserialize;

use super::Problem;

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
    pub client_auth_type: ClientAuth,
    pub min_version: Version,
    pub max_version: Option<Version>,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    /// The client's wish counts, as in Go since 1.17.
    pub prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum ClientAuth {
    #[default]
    #[serde(alias = "")]
    NoClientCert,
    RequestClientCert,
    RequireAnyClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) enum Version {
    #[serde(rename = "TLS10")]
    Tls10,
    #[serde(rename = "TLS11")]
    Tls11,
    #[default]
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpServer {
    /// Only `false` can be kept to; `true` is Prometheus' default, and HTTP/1.1 serves its clients as well.
    pub http2: Option<bool>,
    pub headers: BTreeMap<String, String>,
}

pub(super) fn parse(text: &str) -> Result<WebFile, Problem> {
    let source = File::from_str(text, FileFormat::Yaml);
    let read = Config::builder().add_source(source).build();
    // The reader's own message may repeat a line, with a hash in it.
    let root = read.map_err(|_| Problem::new("", "is no YAML mapping"))?.cache;
    serde_path_to_error::deserialize(root).map_err(|error| {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        match path.starts_with("basic_auth_users") {
            true => Problem::new(path, "is no mapping of user names to bcrypt hashes"),
            false => Problem::new(path, text.split(" for key `").next().unwrap_or_default()),
        }
    })
}

impl Tls {
    pub fn demands_a_client(&self) -> bool {
        self.client_auth_type == ClientAuth::RequireAndVerifyClientCert
    }
}

impl HttpServer {
    /// The headers that exporters can be told to send.
    pub fn check(self, problems: &mut Vec<Problem>) -> HeaderMap {
        const KNOWN: [&str; 5] = [
            "Content-Security-Policy",
            "Strict-Transport-Security",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "X-XSS-Protection",
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let path = format!("http_server_config.headers.{name}");
            let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let name = known.and_then(|known| HeaderName::from_bytes(known.as_bytes()).ok());
            match (name, HeaderValue::from_str(&value)) {
                (Some(name), Ok(value)) => _ = headers.insert(name, value),
                (None, _) => problems.push(Problem::new(path, format!("is none of {KNOWN:?}"))),
                (_, Err(_)) => problems.push(Problem::new(path, "is no header value")),
            }
        }
        headers
    }
}
