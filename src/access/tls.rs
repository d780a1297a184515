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

use super::Reader;
use super::file::Tls;
use crate::form::KeyProblem;

/// Collects problems under the section's key paths.
struct TlsChecker<'a, 'r> {
    reader: &'a mut Reader<'r>,
    problems: &'a mut Vec<KeyProblem>,
}

/// What is asked of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientAuth {
    No,
    /// A certificate that is not verified, as Go can be told to.
    Unverified,
    IfGiven,
    Required,
}

const CLIENT_AUTH: [(&str, ClientAuth); 6] = [
    ("", ClientAuth::No),
    ("NoClientCert", ClientAuth::No),
    ("RequestClientCert", ClientAuth::Unverified),
    ("RequireAnyClientCert", ClientAuth::Unverified),
    ("VerifyClientCertIfGiven", ClientAuth::IfGiven),
    ("RequireAndVerifyClientCert", ClientAuth::Required),
];
/// In order.
const VERSIONS: [(&str, Option<&SupportedProtocolVersion>); 4] =
    [("TLS10", None), ("TLS11", None), ("TLS12", Some(&TLS12)), ("TLS13", Some(&TLS13))];
const CURVES: [(&str, NamedGroup); 3] = [
    ("CurveP256", NamedGroup::secp256r1),
    ("CurveP384", NamedGroup::secp384r1),
    ("X25519", NamedGroup::X25519),
];

/// The server's side of TLS, and whether it refuses clients that nobody vouches for; `None` when `problems` has grown.
pub(super) fn check(
    tls: &Tls,
    reader: &mut Reader<'_>,
    problems: &mut Vec<KeyProblem>,
) -> Option<(Arc<ServerConfig>, bool)> {
    let mut checker = TlsChecker { reader, problems };
    let versions = checker.versions(tls);
    let cipher_suites = checker.cipher_suites(&tls.cipher_suites);
    let kx_groups = checker.curves(&tls.curve_preferences);
    let auth = checker.client_auth(tls);
    let chain = checker.certificates("cert_file", &tls.cert_file);
    let key = checker.key(&tls.key_file);
    let (versions, kx_groups, auth) = (versions?, kx_groups?, auth?);
    let provider = Arc::new(CryptoProvider { cipher_suites, kx_groups, ..aws_lc_rs::default_provider() });
    let clients = checker.clients(tls, auth, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&versions);
    let builder = builder.map_err(|error| checker.wrong("", error.to_string())).ok()?;
    let config = builder.with_client_cert_verifier(clients).with_single_cert(chain?, key?);
    let mut config = config.map_err(|error| checker.wrong("cert_file", error.to_string())).ok()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some((Arc::new(config), auth == ClientAuth::Required))
}

impl TlsChecker<'_, '_> {
    fn wrong(&mut self, key: &str, text: impl Into<String>) {
        let path = ["tls_server_config", key].join(if key.is_empty() { "" } else { "." });
        self.problems.push(KeyProblem::new(path, text));
    }

    fn versions(&mut self, tls: &Tls) -> Option<Vec<&'static SupportedProtocolVersion>> {
        let min = self.version("min_version", tls.min_version.as_deref().unwrap_or("TLS12"));
        let max = self.version("max_version", tls.max_version.as_deref().unwrap_or("TLS13"));
        let (min, max) = (min?, max?);
        if min > max {
            self.wrong("max_version", "is below min_version");
            return None;
        }
        Some(VERSIONS[min..=max].iter().filter_map(|(_, version)| *version).collect())
    }

    /// The place in [`VERSIONS`].
    fn version(&mut self, key: &str, name: &str) -> Option<usize> {
        let place = VERSIONS.iter().position(|(known, _)| *known == name);
        match place.map(|place| VERSIONS[place].1) {
            Some(Some(_)) => return place,
            Some(None) => self.wrong(key, format!("{name} is not secure: use TLS12 or TLS13")),
            None => self.wrong(key, format!("must be TLS12 or TLS13, not {name:?}")),
        }
        None
    }

    /// Those that are named, of TLS 1.2; all of TLS 1.3, which cannot be chosen in Go either.
    fn cipher_suites(&mut self, names: &[String]) -> Vec<SupportedCipherSuite> {
        let known = aws_lc_rs::ALL_CIPHER_SUITES;
        let is = |suite: &SupportedCipherSuite, name: &str| suite.suite().as_str() == Some(name);
        for (index, name) in names.iter().enumerate() {
            let of_tls13 = name.replace("TLS_", "TLS13_");
            if !known.iter().any(|suite| is(suite, name) || is(suite, &of_tls13)) {
                self.wrong(
                    &format!("cipher_suites[{index}]"),
                    format!("{name:?} is not a supported cipher suite"),
                );
            }
        }
        let chosen = |suite: &&SupportedCipherSuite| {
            names.is_empty() || suite.tls13().is_some() || names.iter().any(|name| is(suite, name))
        };
        known.iter().filter(chosen).copied().collect()
    }

    fn curves(&mut self, names: &[String]) -> Option<Vec<&'static dyn SupportedKxGroup>> {
        let known = aws_lc_rs::default_provider().kx_groups;
        if names.is_empty() {
            return Some(known);
        }
        let find = |name: &String| {
            let (_, group) = CURVES.iter().find(|(curve, _)| curve == name)?;
            known.iter().find(|one| one.name() == *group).copied()
        };
        let found: Vec<_> = names.iter().map(find).collect();
        for (index, (name, _)) in names.iter().zip(&found).enumerate().filter(|(_, (_, one))| one.is_none()) {
            let text = format!("{name:?} is not a supported curve (supported: CurveP256, CurveP384, X25519)");
            self.wrong(&format!("curve_preferences[{index}]"), text);
        }
        found.into_iter().collect()
    }

    fn client_auth(&mut self, tls: &Tls) -> Option<ClientAuth> {
        let name = &tls.client_auth_type;
        let auth = CLIENT_AUTH.iter().find(|(known, _)| known == name).map(|(_, auth)| *auth);
        let (key, text) = match (auth, &tls.client_ca_file) {
            (None, _) => {
                let names: Vec<_> = CLIENT_AUTH.iter().skip(1).map(|(known, _)| *known).collect();
                ("client_auth_type", format!("must be one of {}, not {name:?}", names.join(", ")))
            }
            (Some(ClientAuth::Unverified), _) => {
                let text = "this server verifies every client certificate: use RequireAndVerifyClientCert or \
                            VerifyClientCertIfGiven";
                ("client_auth_type", text.to_owned())
            }
            (Some(ClientAuth::No), Some(_)) => {
                let text = "must be RequireAndVerifyClientCert or VerifyClientCertIfGiven when client_ca_file \
                            is set";
                ("client_auth_type", text.to_owned())
            }
            (Some(ClientAuth::IfGiven | ClientAuth::Required), None) => {
                ("client_ca_file", format!("is required for client_auth_type {name}"))
            }
            (Some(auth), _) => return Some(auth),
        };
        self.wrong(key, text);
        None
    }

    fn clients(
        &mut self,
        tls: &Tls,
        auth: ClientAuth,
        provider: &Arc<CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let Some(ca) = &tls.client_ca_file else { return Some(WebPkiClientVerifier::no_client_auth()) };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates("client_ca_file", ca)?);
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let built = match auth {
            ClientAuth::Required => builder.build(),
            _ => builder.allow_unauthenticated().build(),
        };
        built.map_err(|error| self.wrong("client_ca_file", error.to_string())).ok()
    }

    fn certificates(&mut self, key: &str, name: &Path) -> Option<Vec<CertificateDer<'static>>> {
        let bytes = self.bytes(key, name)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        match found {
            Ok(found) if !found.is_empty() => return Some(found),
            Ok(_) => self.wrong(key, "contains no PEM certificate"),
            Err(error) => self.wrong(key, error.to_string()),
        }
        None
    }

    fn key(&mut self, name: &Path) -> Option<PrivateKeyDer<'static>> {
        let bytes = self.bytes("key_file", name)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes);
        // The error could repeat what stands there.
        key.map_err(|_| self.wrong("key_file", "contains no PEM private key")).ok()
    }

    fn bytes(&mut self, key: &str, name: &Path) -> Option<Vec<u8>> {
        if name.as_os_str().is_empty() {
            self.wrong(key, "is required");
            return None;
        }
        self.reader.bytes(name).map_err(|text| self.wrong(key, text)).ok()
    }
}
