//! TLS and basic authentication, by real clients.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use alicloud_tag_exporter::simulator::synthetic;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{BETWEEN_LOOKS, Daemon};

const LIMIT: Duration = Duration::from_secs(30);
const TLS: &str = "tls_server_config: { cert_file: server.pem, key_file: server.key }";
const KNOWN_CLIENTS: &str = "tls_server_config: { cert_file: server.pem, key_file: server.key, \
    client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert }";

/// A folder with a certificate authority, and certificates of a server and a client.
struct Certificates {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
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
    fn issue(&self, name: &str) {
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(&format!("{name}.key"), &key.serialize_pem());
        self.write(&format!("{name}.pem"), &certificate.pem());
    }

    /// Replaces a file at once.
    fn write(&self, name: &str, text: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.folder.path().join(name)).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// A client that trusts the authority.
    fn client(&self) -> ClientBuilder {
        let authority = Certificate::from_pem(&self.read("ca.pem")).unwrap();
        Client::builder().no_proxy().tls_info(true).tls_certs_only([authority]).pool_max_idle_per_host(0)
    }

    /// A daemon by this web configuration.
    async fn daemon(&self, web: &str) -> Daemon {
        self.write("web.yml", web);
        let path = self.folder.path().join("web.yml");
        Daemon::start_with(&[("web.config_file", path.to_str().unwrap())], synthetic(1, 2, 1), "").await
    }
}

fn users() -> String {
    format!("basic_auth_users: {{ alice: {:?} }}", bcrypt::hash("secret", 4).unwrap())
}

/// The served certificate.
async fn peer(client: &Client, daemon: &Daemon) -> Vec<u8> {
    let answer = client.get(format!("https://{}/healthz", daemon.address)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_user_with_the_right_password_reads_and_everybody_asks_for_the_health() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(&users()).await;
    let url = |path: &str| format!("http://{}{path}", daemon.address);
    let client = Client::builder().no_proxy().build().unwrap();
    for (user, password, expected) in
        [("alice", "secret", 200), ("alice", "Secret", 401), ("bob", "secret", 401), ("alice", "secret", 200)]
    {
        for path in ["/metrics", "/tags", "/tags/changes", "/"] {
            let answer = client.get(url(path)).basic_auth(user, Some(password)).send().await.unwrap();
            assert_eq!(answer.status(), expected, "{user} {path}");
        }
    }
    let answer = client.get(url("/metrics")).send().await.unwrap();
    assert_eq!(answer.headers()["www-authenticate"], "Basic");
    assert_eq!(client.get(url("/healthz")).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_needs_a_certificate_where_that_is_asked_for() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(KNOWN_CLIENTS).await;
    let url = format!("https://{}/metrics", daemon.address);
    let unknown = certificates.client().build().unwrap();
    assert!(unknown.get(&url).send().await.is_err());
    let identity = [certificates.read("client.key"), certificates.read("client.pem")].concat();
    let known = certificates.client().identity(Identity::from_pem(&identity).unwrap()).build().unwrap();
    assert_eq!(known.get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_and_no_request_fails_meanwhile() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(TLS).await;
    let client = certificates.client().build().unwrap();
    for _ in 0..2 {
        let before = peer(&client, &daemon).await;
        certificates.issue("server");
        let changed = async { while peer(&client, &daemon).await == before {} };
        tokio::time::timeout(LIMIT, changed).await.expect("the new certificate is not served");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_became_wrong_changes_nothing_but_a_metric() {
    const METRIC: &str = "alicloud_tag_exporter_web_config_last_reload_successful";
    let certificates = Certificates::new();
    let daemon = certificates.daemon(&users()).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let until = async |value: u8| {
        let line = format!("\n{METRIC} {value}\n");
        let mut looks = tokio::time::interval(BETWEEN_LOOKS);
        let looking = async {
            loop {
                let request = client.get(format!("http://{}/metrics", daemon.address));
                let answer = request.basic_auth("alice", Some("secret")).send().await.unwrap();
                assert_eq!(answer.status(), 200);
                if answer.text().await.unwrap().contains(&line) {
                    return;
                }
                looks.tick().await;
            }
        };
        tokio::time::timeout(LIMIT, looking).await.expect("the metric did not change");
    };
    until(1).await;
    certificates.write("web.yml", "basic_auth_users: { alice: plain }");
    until(0).await;
    certificates.write("web.yml", &users());
    until(1).await;
}

async fn curl(folder: &Path, arguments: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--cacert", "ca.pem"]);
    curl.args(arguments).current_dir(folder).output().await.expect("curl is needed")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl; `make test` runs it"]
async fn curl_reads_compressed_metrics_with_a_certificate_and_a_password() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(&format!("{KNOWN_CLIENTS}\n{}", users())).await;
    let url = format!("https://{}/metrics", daemon.address);
    let folder = certificates.folder.path();
    let known = ["--cert", "client.pem", "--key", "client.key", "--compressed", "--fail"];
    let right = [&known[..], &["--user", "alice:secret", &url]].concat();
    let read = curl(folder, &right).await;
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(String::from_utf8(read.stdout).unwrap().contains("\nalicloud_tag_exporter_build_info{"));
    let wrong = [&known[..], &["--user", "alice:wrong", &url]].concat();
    assert_eq!(curl(folder, &wrong).await.status.code(), Some(22));
    assert_eq!(curl(folder, &["--user", "alice:secret", &url]).await.status.code(), Some(56));
}
