//! The official Python SDKs against the simulated cloud, and against our own signatures.
//!
//! `scripts/python-venv` installs them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use alicloud_tag_exporter::cloud::api;
use secrecy::SecretString;
use serde_json::{Value, json};
use simulator::{AccessKey, Answered, Cloud, Region, RequestLog, Resource, State, serve, synthetic};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const REGION: &str = "cn-hangzhou";
/// A value with every character that URL encoders disagree on.
const HARD_VALUE: &str = "张 三*~+/&=%";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDKs; `make test` runs it"]
async fn the_classic_sdk_lists_what_is_there() {
    let (cloud, seen) = listed_by("classic_sdk.py").await;
    assert_all_seen(&cloud, &seen);
    // The classic SDK compares the echoed string to sign with its own: this is what it says when they are the same.
    assert_eq!(seen["refusals"]["wrong secret"], "InvalidAccessKeySecret");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDKs; `make test` runs it"]
async fn the_new_sdk_lists_what_is_there() {
    let (cloud, seen) = listed_by("new_sdk.py").await;
    assert_all_seen(&cloud, &seen);
    assert_eq!(seen["refusals"]["wrong secret"], "SignatureDoesNotMatch");
}

#[test]
#[ignore = "needs the Python SDKs; `make test` runs it"]
fn the_published_signatures_are_those_of_the_official_sdks() {
    let vectors: Value = serde_json::from_str(include_str!("../data/signature-vectors.json")).unwrap();
    let vectors = vectors["v1"].as_array().unwrap();
    let signed = vectors.iter().map(|vector| Signed {
        method: text(&vector["method"]),
        params: serde_json::from_value(vector["params"].clone()).unwrap(),
        secret: text(&vector["access_key_secret"]),
    });
    let expected: Vec<_> = vectors.iter().map(|vector| text(&vector["signature"])).collect();
    assert_eq!(sdk_signatures(&signed.collect::<Vec<_>>()), expected);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDKs; `make test` runs it"]
async fn a_request_recorded_from_our_client_carries_the_signature_that_the_official_sdk_computes() {
    let (cloud, address, _guard) = started(state()).await;
    cloud.edit(|state| state.record = true);
    ask_with_our_client(address).await;
    let signed = cloud.edit(|state| recorded_requests(&state.log, &state.access_keys));
    assert_eq!(signed.len(), 2);
    let sent: Vec<_> = signed.iter().map(|one| one.params["Signature"].clone()).collect();
    let computed = tokio::task::spawn_blocking(move || sdk_signatures(&signed)).await.unwrap();
    assert_eq!(sent, computed);
}

/// One request with a plain key, and one with a token and with text that is hard to encode.
async fn ask_with_our_client(address: SocketAddr) {
    // Another test may have installed it before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = api::http_client(Duration::from_secs(10)).unwrap();
    let endpoint = format!("http://{address}/").parse().unwrap();
    let plain = [("RegionId", REGION), ("PageSize", "100")];
    let hard = [
        ("RegionId", REGION),
        ("Tag.1.Key", "负责人"),
        ("Tag.1.Value", HARD_VALUE),
        ("Tag.2.Key", "empty"),
        ("Tag.2.Value", ""),
    ];
    for (action, parameters, key) in [
        ("DescribeInstances", &plain[..], our_key("testid", "testsecret", None)),
        ("ListTagResources", &hard[..], our_key("STS.test", "testsecret2", Some("CAIS+/= token&more"))),
    ] {
        let parameters =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = api::Call { product: "hbase", action, version: "2019-01-01", region: REGION, parameters };
        let signer = api::Signer::Key(&key, api::Signature::HmacSha1);
        api::exchange(&http, &endpoint, &call, signer, &api::Stamp::fresh(), |_| Ok(())).await.unwrap();
    }
}

fn our_key(id: &str, secret: &str, token: Option<&str>) -> api::AccessKey {
    api::AccessKey { id: id.to_owned(), secret: secret.into(), security_token: token.map(SecretString::from) }
}

/// What a signature is made of.
struct Signed {
    method: String,
    /// With the signature that was sent, in `Signature`.
    params: BTreeMap<String, String>,
    secret: String,
}

/// The requests in a log that was kept with `record` on.
fn recorded_requests(log: &RequestLog, access_keys: &BTreeMap<String, AccessKey>) -> Vec<Signed> {
    let signed = |entry: &Answered| {
        let parameters = entry.recorded.as_ref()?.parameters();
        let secret = access_keys.get(parameters["AccessKeyId"])?.secret.clone();
        let params =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Signed { method: entry.method.clone(), params, secret })
    };
    log.iter().filter_map(signed).collect()
}

/// A cloud with hard texts in its tags, more clusters than fit on a page of three and more tags than fit on a page.
fn state() -> State {
    let mut state = synthetic(3, 10, 8);
    let hard = Resource::new("ld-hard").with_tags([("负责人", HARD_VALUE), ("empty", ""), ("a b", "c\nd")]);
    let others = [hard, Resource::new("hb-untagged")];
    let clusters = state.regions.get_mut(REGION).unwrap().of_mut("hbase");
    others.into_iter().for_each(|cluster| clusters.insert(cluster));
    let temporary = AccessKey::temporary("testsecret2", "CAIS+/= token&more");
    state.access_keys.insert("STS.test".to_owned(), temporary);
    state
}

/// A cloud on a port of its own, until the guard is dropped.
pub async fn started(state: State) -> (Cloud, SocketAddr, DropGuard) {
    let (cloud, stop) = (Cloud::new(state), CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, cloud.clone(), stop.clone()));
    (cloud, address, stop.drop_guard())
}

/// What a script sees of the cloud.
async fn listed_by(script: &'static str) -> (Cloud, Value) {
    let (cloud, address, _guard) = started(state()).await;
    let port = address.port().to_string();
    let output = tokio::task::spawn_blocking(move || python(script, &[&port], "")).await.unwrap();
    (cloud, serde_json::from_slice(&output.stdout).unwrap())
}

fn assert_all_seen(cloud: &Cloud, seen: &Value) {
    cloud.edit(|state| {
        let names: BTreeMap<_, _> =
            state.regions.iter().map(|(id, region)| (id, &region.local_name)).collect();
        assert_eq!(seen["regions"], json!(names));
        assert_eq!(seen["with_token"], json!(names));
        assert_clusters_seen(&state.regions[REGION], seen);
        assert!(state.log.of("DescribeInstances").count() >= 4, "no paging");
        assert!(state.log.of("ListTagResources").any(|entry| entry.parameters.contains_key("NextToken")));
    });
    assert_refusals_seen(&seen["refusals"]);
}

fn assert_clusters_seen(region: &Region, seen: &Value) {
    let all: BTreeMap<_, _> =
        region.of("hbase").iter().map(|cluster| (cluster.id(), &cluster.tags)).collect();
    assert_eq!(seen["clusters"], json!(all));
    let tagged: BTreeMap<_, _> = all.iter().filter(|(_, tags)| !tags.is_empty()).collect();
    assert_eq!(seen["tag_resources"], json!(tagged));
    let pairs: BTreeSet<_> = all.values().copied().flatten().collect();
    assert_eq!(seen["tags"], json!(pairs));
    let with_key = |key| all.iter().filter(move |(_, tags)| tags.contains_key(key)).map(|(id, _)| id);
    assert_eq!(seen["by_key"], json!(with_key("负责人").collect::<Vec<_>>()));
    assert_eq!(seen["by_pair"], json!(["ld-hard"]));
    assert_eq!(seen["by_empty_value"], json!(["ld-hard"]));
}

fn assert_refusals_seen(refusals: &Value) {
    for (name, code) in [
        ("unknown key", "InvalidAccessKeyId.NotFound"),
        ("no token", "MissingSecurityToken"),
        ("wrong token", "InvalidSecurityToken.Malformed"),
        ("nothing asked", "MissingParameter.ResourceIdOrTag"),
        ("unknown region", "InvalidRegionId.NotFound"),
        ("page too large", "InvalidParameter.PageSize"),
    ] {
        assert_eq!(refusals[name], code, "{name}");
    }
}

/// What the official SDKs compute as the signature of each.
fn sdk_signatures(signed: &[Signed]) -> Vec<String> {
    let line = |one: &Signed| {
        json!({ "method": one.method, "params": one.params, "secret": one.secret }).to_string()
    };
    let lines: Vec<_> = signed.iter().map(line).collect();
    let output = python("sign.py", &[], &lines.join("\n"));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Runs a script of `tests/python` to its end, which must be a good one.
pub fn python(script: &str, arguments: &[&str], input: &str) -> Output {
    let output = python_ended(script, arguments, input);
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs a script of `tests/python` to its end.
pub fn python_ended(script: &str, arguments: &[&str], input: &str) -> Output {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let interpreter = std::env::var_os("TAG_EXPORTER_PYTHON")
        .map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    ended(&interpreter, script, arguments, input)
}

/// The same with another interpreter.
pub fn ended(interpreter: &Path, script: &str, arguments: &[&str], input: &str) -> Output {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(interpreter)
        .arg(root.join("tests/python").join(script))
        .args(arguments)
        .envs([("NO_PROXY", "127.0.0.1"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONIOENCODING", "utf-8")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter starts; `scripts/python-venv` makes it");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
