//! TLS and basic authentication, by real clients.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Identity};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::certificates::{Certificates, peer};
use crate::prometheus::{Prometheus, versions};
use crate::support::{BETWEEN_LOOKS, Daemon};

const LIMIT: Duration = Duration::from_secs(30);
const TLS: &str = "tls_server_config: { cert_file: server.pem, key_file: server.key }";
const KNOWN_CLIENTS: &str = "tls_server_config: { cert_file: server.pem, key_file: server.key, \
    client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert }";

fn users() -> String {
    format!("basic_auth_users: {{ alice: {:?} }}", bcrypt::hash("secret", 4).unwrap())
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
    let known = certificates.known_client().build().unwrap();
    assert_eq!(known.get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_served_and_no_request_fails_meanwhile() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(TLS).await;
    let client = certificates.client().build().unwrap();
    for _ in 0..2 {
        certificates.renew(&client, &daemon).await;
    }
}

/// Asks until a request fails.
async fn ask_for_ever(client: Client, url: String) {
    loop {
        let answer = client.get(&url).send().await.unwrap();
        assert!(answer.text().await.unwrap().contains("\nalicloud_tag_exporter_build_info{"));
    }
}

/// The same by curl, with a handshake for each request.
async fn ask_for_ever_by_curl(folder: PathBuf, url: String) {
    let each =
        [&["--fail", "--fail-early", "--compressed", "--header", "connection: close"][..], &[&*url; 20]];
    loop {
        let ended = curl(&folder, &each.concat()).await;
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl; `make test` runs it"]
async fn a_new_certificate_is_served_under_load_and_neither_curl_nor_a_kept_connection_fails() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(TLS).await;
    let url = format!("https://{}/metrics", daemon.address);
    let [anew, keeping] =
        [0, 1].map(|kept| certificates.client().pool_max_idle_per_host(kept).build().unwrap());
    let mut load = JoinSet::new();
    for client in [&anew, &anew, &keeping] {
        load.spawn(ask_for_ever(client.clone(), url.clone()));
    }
    load.spawn(ask_for_ever_by_curl(certificates.folder.path().to_owned(), url));
    for _ in 0..3 {
        certificates.renew(&anew, &daemon).await;
    }
    assert!(load.try_join_next().is_none(), "a request failed");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn prometheus_2_and_3_scrape_with_a_certificate_and_a_password_and_through_a_new_certificate() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(&format!("{KNOWN_CLIENTS}\n{}", users())).await;
    let known = certificates.known_client().build().unwrap();
    let job = |name: &str, password: &str, files: &str| {
        format!(
            "{{job_name: {name}, scheme: https, basic_auth: {{username: alice, password: {password}}}, \
             tls_config: {{{files}}}, static_configs: [{{targets: ['{}']}}]}}",
            daemon.address
        )
    };
    let path = |name: &str| certificates.folder.path().join(name).display().to_string();
    let authority = format!("ca_file: {}", path("ca.pem"));
    let both = format!("{authority}, cert_file: {}, key_file: {}", path("client.pem"), path("client.key"));
    let jobs =
        [job("right", "secret", &both), job("wrong", "Secret", &both), job("unknown", "secret", &authority)];
    for programs in versions() {
        let prometheus = Prometheus::start(&programs, &jobs.join(", ")).await;
        prometheus.until("alicloud_resource_tags{job=\"right\"}").await;
        for refused in ["wrong", "unknown"] {
            prometheus.until(&format!("up{{job=\"{refused}\"}} == 0")).await;
        }
        certificates.renew(&known, &daemon).await;
        let scrapes = "count_over_time(up{job=\"right\"}[5m])";
        let before = prometheus.until(scrapes).await[0]["value"][1].as_str().unwrap().to_owned();
        prometheus
            .until(&format!("{scrapes} > {before} + 2 and min_over_time(up{{job=\"right\"}}[5m]) == 1"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_speak_tls_is_cut_off_and_the_next_one_is_served() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon(TLS).await;
    for sent in [&b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b"\0"] {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let reading = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
        let _ = reading.expect("it neither answers nor closes");
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    }
    peer(&certificates.client().build().unwrap(), &daemon).await;
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

/// What a client of its own takes part in: one version, and its suites and curves if they are named.
struct Handshake {
    version: &'static SupportedProtocolVersion,
    suite: Option<CipherSuite>,
    curve: Option<NamedGroup>,
}

impl Handshake {
    async fn works(&self, certificates: &Certificates, daemon: &Daemon) -> bool {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|one| self.suite.is_none_or(|suite| one.suite() == suite));
        provider.kx_groups.retain(|one| self.curve.is_none_or(|curve| one.name() == curve));
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(&certificates.read("ca.pem")).unwrap();
        roots.add(authority).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(daemon.address).await.unwrap();
        let name = "127.0.0.1".try_into().unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        tokio::time::timeout(LIMIT, connecting).await.expect("the handshake hangs").is_ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_versions_suites_and_curves_of_the_file_are_spoken() {
    use CipherSuite::{TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384};
    let of = |version| Handshake { version, suite: None, curve: None };
    let suite = |suite| Handshake { suite: Some(suite), ..of(&TLS12) };
    let curve = |version, curve| Handshake { curve: Some(curve), ..of(version) };
    for (keys, yes, no) in [
        ("", vec![of(&TLS12), of(&TLS13)], vec![]),
        ("min_version: TLS13", vec![of(&TLS13)], vec![of(&TLS12)]),
        ("max_version: TLS12", vec![of(&TLS12)], vec![of(&TLS13)]),
        (
            "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            vec![suite(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), of(&TLS13)],
            vec![suite(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)],
        ),
        (
            "curve_preferences: [CurveP384, X25519]",
            vec![curve(&TLS13, NamedGroup::secp384r1), curve(&TLS12, NamedGroup::X25519)],
            vec![curve(&TLS13, NamedGroup::secp256r1), curve(&TLS12, NamedGroup::secp256r1)],
        ),
    ] {
        let certificates = Certificates::new();
        let daemon = certificates.daemon(&TLS.replace(" }", &format!(", {keys} }}"))).await;
        for (handshakes, expected) in [(yes, true), (no, false)] {
            for (index, handshake) in handshakes.iter().enumerate() {
                let works = handshake.works(&certificates, &daemon).await;
                assert_eq!(works, expected, "{keys}, number {index}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_given_is_verified_where_none_is_needed() {
    let certificates = Certificates::new();
    let web = KNOWN_CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven");
    let daemon = certificates.daemon(&web).await;
    let url = format!("https://{}/metrics", daemon.address);
    for client in [certificates.client(), certificates.known_client()] {
        assert_eq!(client.build().unwrap().get(&url).send().await.unwrap().status(), 200);
    }
    let others = Certificates::new();
    let identity = [others.read("client.key"), others.read("client.pem")].concat();
    let stranger = certificates.client().identity(Identity::from_pem(&identity).unwrap()).build().unwrap();
    assert!(stranger.get(&url).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_of_the_file_are_in_every_answer() {
    let certificates = Certificates::new();
    let web = "http_server_config: { headers: { x-frame-options: deny, X-Content-Type-Options: nosniff } }";
    let daemon = certificates.daemon(&format!("{web}\n{}", users())).await;
    let client = Client::builder().no_proxy().build().unwrap();
    for (path, status) in [("/healthz", 200), ("/metrics", 401), ("/nowhere", 401)] {
        let answer = client.get(format!("http://{}{path}", daemon.address)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["x-frame-options"], "deny", "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

async fn curl(folder: &Path, arguments: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--cacert", "ca.pem"]);
    curl.args(arguments).current_dir(folder).kill_on_drop(true).output().await.expect("curl is needed")
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
