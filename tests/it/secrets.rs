//! The program itself, at its most talkative, against a cloud that echoes what was signed.

use std::process::Stdio;
use std::time::Duration;

use alicloud_tag_exporter::simulator::{self, Cloud, Fault, FaultRule, synthetic};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_told_and_a_signal_ends_the_program_well() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut state = synthetic(1, 3, 2);
    state.record = true;
    state.faults.push(FaultRule::of(Fault::SignatureMismatch));
    let cloud = Cloud::new(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap();
    tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let region = cloud.edit(|state| state.regions.keys().next().unwrap().clone());
    let text = format!(
        "collect = {{ interval = \"1s\" }}\napi = {{ endpoint = \"http://{endpoint}\" }}\n[[accounts]]\nname = \"test\"\nregions = [\"{region}\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter"))
        .args(["--log.level", "trace", "--web.listen-address", "127.0.0.1:0", "--config.file"])
        .arg(&config)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(program.stderr.take().unwrap());

    let told = tokio::time::timeout(LIMIT, async {
        let mut told = String::new();
        while !told.contains("open http://") {
            assert!(log.read_line(&mut told).await.unwrap() > 0, "it ended: {told}");
        }
        let address = told.split("open ").nth(1).unwrap().split("/,").next().unwrap().to_owned();
        while !told.contains("collection failed") {
            assert!(log.read_line(&mut told).await.unwrap() > 0, "it ended: {told}");
        }
        for path in ["/", "/metrics", "/tags", "/tags/changes", "/readyz"] {
            told += &reqwest::get(format!("{address}{path}")).await.unwrap().text().await.unwrap();
        }
        let id = program.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        log.read_to_string(&mut told).await.unwrap();
        told
    });
    let told = told.await.expect("it took too long");
    assert_eq!(program.wait().await.unwrap().code(), Some(0));

    assert!(told.contains("SignatureDoesNotMatch"), "{told}");
    let mut secrets = vec!["testid".to_owned(), "testsecret".to_owned(), "SignatureNonce".to_owned()];
    secrets.push(endpoint.to_string());
    cloud.edit(|state| {
        for answered in state.log.iter() {
            let recorded = answered.recorded.as_ref().unwrap();
            secrets
                .extend(["Signature", "SignatureNonce"].map(|name| recorded.parameters()[name].to_owned()));
        }
    });
    assert!(secrets.len() > 4);
    for secret in secrets {
        assert!(!told.contains(&secret), "{secret} is told in:\n{told}");
    }
}
