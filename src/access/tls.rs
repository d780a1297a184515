//! The TLS part of the file, as rustls takes it.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::file::{ClientAuth, Tls, Version};
use super::{Problem, Reader};

/// Collects problems under the section's key paths.
struct Checker<'a, 'r> {
    reader: &'a mut Reader<'r>,
    problems: &'a mut Vec<Problem>,
}

/// The server's side of TLS; `None` when `problems` has grown.
pub(super) fn check(
    tls: &Tls,
    reader: &mut Reader<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<ServerConfig>> {
    let mut checker = Checker { reader, problems };
    let versions = checker.versions(tls);
    let provider = Arc::new(CryptoProvider {
        cipher_suites: checker.cipher_suites(&tls.cipher_suites),
        kx_groups: checker.curves(&tls.curve_preferences),
        ..aws_lc_rs::default_provider()
    });
    let clients = checker.clients(tls, &provider);
    let chain = checker.certificates("cert_file", &tls.cert_file);
    let key = checker.key(&tls.key_file);
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions);
    let builder = builder.map_err(|error| checker.wrong("", error.to_string())).ok()?;
    let config = builder.with_client_cert_verifier(clients?).with_single_cert(chain?, key?);
    let mut config = config.map_err(|error| checker.wrong("cert_file", error.to_string())).ok()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Arc::new(config))
}

impl Checker<'_, '_> {
    fn wrong(&mut self, key: &str, text: impl Into<String>) {
        let path = ["tls_server_config", key].join(if key.is_empty() { "" } else { "." });
        self.problems.push(Problem::new(path, text));
    }

    fn versions(&mut self, tls: &Tls) -> Vec<&'static SupportedProtocolVersion> {
        let (min, max) = (tls.min_version, tls.max_version.unwrap_or(Version::Tls13));
        for (key, version) in [("min_version", min), ("max_version", max)] {
            if version < Version::Tls12 {
                self.wrong(key, "this server knows TLS12 and TLS13 only: older ones are not safe");
            }
        }
        if min > max {
            self.wrong("max_version", "is below min_version");
        }
        let all = [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)];
        all.into_iter().filter(|(version, _)| (min..=max).contains(version)).map(|(_, known)| known).collect()
    }

    /// Those that are named, of TLS 1.2; all of TLS 1.3, which cannot be chosen in Go either.
    fn cipher_suites(&mut self, names: &[String]) -> Vec<SupportedCipherSuite> {
        let known = aws_lc_rs::ALL_CIPHER_SUITES;
        let is = |suite: &SupportedCipherSuite, name: &str| suite.suite().as_str() == Some(name);
        for (index, name) in names.iter().enumerate() {
            let of_tls13 = name.replace("TLS_", "TLS13_");
            if !known.iter().any(|suite| is(suite, name) || is(suite, &of_tls13)) {
                self.wrong(&format!("cipher_suites[{index}]"), format!("{name:?} is none of this server's"));
            }
        }
        let chosen = |suite: &&SupportedCipherSuite| {
            names.is_empty() || suite.tls13().is_some() || names.iter().any(|name| is(suite, name))
        };
        known.iter().filter(chosen).copied().collect()
    }

    fn curves(&mut self, names: &[String]) -> Vec<&'static dyn SupportedKxGroup> {
        let known = aws_lc_rs::default_provider().kx_groups;
        if names.is_empty() {
            return known;
        }
        let mut chosen = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let group = match name.as_str() {
                "CurveP256" => NamedGroup::secp256r1,
                "CurveP384" => NamedGroup::secp384r1,
                "X25519" => NamedGroup::X25519,
                _ => NamedGroup::Unknown(0),
            };
            match known.iter().find(|one| one.name() == group) {
                Some(one) => chosen.push(*one),
                None => self.wrong(
                    &format!("curve_preferences[{index}]"),
                    format!("{name:?} is none of CurveP256, CurveP384 and X25519"),
                ),
            }
        }
        chosen
    }

    fn clients(&mut self, tls: &Tls, provider: &Arc<CryptoProvider>) -> Option<Arc<dyn ClientCertVerifier>> {
        let given = tls.client_ca_file.as_deref();
        let (ca, must) = match (tls.client_auth_type, given) {
            (ClientAuth::NoClientCert, None) => return Some(WebPkiClientVerifier::no_client_auth()),
            (ClientAuth::NoClientCert, Some(_)) => {
                let text = "is needed to use client_ca_file: RequireAndVerifyClientCert, or \
                            VerifyClientCertIfGiven";
                self.wrong("client_auth_type", text);
                return None;
            }
            (ClientAuth::RequestClientCert | ClientAuth::RequireAnyClientCert, _) => {
                let text = "this server verifies every certificate that it asks for: use \
                            RequireAndVerifyClientCert or VerifyClientCertIfGiven";
                self.wrong("client_auth_type", text);
                return None;
            }
            (_, None) => {
                self.wrong("client_ca_file", "is needed to verify certificates of clients");
                return None;
            }
            (kind, Some(ca)) => (ca, kind == ClientAuth::RequireAndVerifyClientCert),
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates("client_ca_file", ca)?);
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let built = if must { builder.build() } else { builder.allow_unauthenticated().build() };
        built.map_err(|error| self.wrong("client_ca_file", error.to_string())).ok()
    }

    fn certificates(&mut self, key: &str, name: &Path) -> Option<Vec<CertificateDer<'static>>> {
        let bytes = self.bytes(key, name)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        match found {
            Ok(found) if !found.is_empty() => return Some(found),
            Ok(_) => self.wrong(key, "there is no certificate in PEM form in it"),
            Err(error) => self.wrong(key, error.to_string()),
        }
        None
    }

    fn key(&mut self, name: &Path) -> Option<PrivateKeyDer<'static>> {
        let bytes = self.bytes("key_file", name)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes);
        // The error could tell what stands there.
        key.map_err(|_| self.wrong("key_file", "there is no private key in PEM form in it")).ok()
    }

    fn bytes(&mut self, key: &str, name: &Path) -> Option<Vec<u8>> {
        if name.as_os_str().is_empty() {
            self.wrong(key, "is needed");
            return None;
        }
        self.reader.bytes(name).map_err(|text| self.wrong(key, text)).ok()
    }
}
