//! Certificates of a test, and clients that trust them.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use simulator::synthetic;
use tempfile::TempDir;

use crate::support::Daemon;

const LIMIT: Duration = Duration::from_secs(30);

/// A folder with a certificate authority, and certificates of a server and a client.
pub struct Certificates {
    pub folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let certificates = Self { folder, issuer: Issuer::new(params, key) };
        certificates.issue("server");
        certificates.issue("client");
        certificates
    }

    /// A new certificate for loopback with a new key: `name.pem` and `name.key`, the key first.
    pub fn issue(&self, name: &str) {
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(&format!("{name}.key"), &key.serialize_pem());
        self.write(&format!("{name}.pem"), &certificate.pem());
    }

    /// Replaces a file at once.
    pub fn write(&self, name: &str, text: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.folder.path().join(name)).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// A client that trusts the authority.
    pub fn client(&self) -> ClientBuilder {
        let authority = Certificate::from_pem(&self.read("ca.pem")).unwrap();
        Client::builder().no_proxy().tls_info(true).tls_certs_only([authority]).pool_max_idle_per_host(0)
    }

    /// The same, with the client's certificate.
    pub fn known_client(&self) -> ClientBuilder {
        let identity = [self.read("client.key"), self.read("client.pem")].concat();
        self.client().identity(Identity::from_pem(&identity).unwrap())
    }

    /// Issues the server's certificate anew, and waits until it is served.
    pub async fn renew(&self, client: &Client, daemon: &Daemon) {
        let before = peer(client, daemon).await;
        self.issue("server");
        let changed = async { while peer(client, daemon).await == before {} };
        tokio::time::timeout(LIMIT, changed).await.expect("the new certificate is not served");
    }

    /// A daemon by this web configuration.
    pub async fn daemon(&self, web: &str) -> Daemon {
        self.write("web.yml", web);
        let path = self.folder.path().join("web.yml");
        Daemon::start_with(&[("web.config_file", path.to_str().unwrap())], synthetic(1, 2, 1), "").await
    }
}

/// The served certificate.
pub async fn peer(client: &Client, daemon: &Daemon) -> Vec<u8> {
    let answer = client.get(format!("https://{}/healthz", daemon.address)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}
