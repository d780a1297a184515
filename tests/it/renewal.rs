//! Sessions of a role: asked for again where that may help, and used as long as they last.

use std::time::{Duration, Instant};

use simulator::{AccessKey, Fault, FaultRule, Role, State, synthetic};

use crate::program::{self, Program};
use crate::rotation::{assert_no_failure, config, signed_by, until};

const ARN: &str = "acs:ram::1234567890123456:role/reader";

/// A cloud whose role trusts the key that the program finds in its environment.
fn state() -> State {
    let mut state = synthetic(1, 3, 2);
    state.record = true;
    let trusted = vec![state.access_keys["testid"].arn.clone()];
    state.sts.roles.insert(ARN.to_owned(), Role { trusted, ..Role::default() });
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_sts_is_asked_again_by_the_older_signature_and_nothing_fails() {
    let mut state = state();
    let busy = FaultRule { action: Some("AssumeRole".to_owned()), ..FaultRule::of(Fault::Status(503)) };
    state.faults.push(FaultRule { times: Some(1), ..busy });
    let folder = tempfile::tempdir().unwrap();
    let (cloud, address) = program::cloud(state).await;
    let credentials = format!("{{ source = \"assume-role\", role_arn = \"{ARN}\" }}");
    let config = cloud.edit(|state| config(address, state, &credentials));
    let config = config.replace("max_attempts = 1", "max_attempts = 3, signature = \"acs3-hmac-sha256\"");
    let program = Program::start(folder.path(), &config).await;
    // The first answer, with a session, did not arrive.
    until(&cloud, |state| {
        signed_by(state, "STS.sim0002") > 0 && state.log.of("DescribeInstances").next().is_some()
    })
    .await;
    cloud.edit(|state| {
        let codes: Vec<_> = state.log.of("AssumeRole").map(|entry| entry.code.as_deref()).collect();
        assert_eq!(codes, [Some("ServiceUnavailable"), None]);
        let recorded = state.log.of("AssumeRole").filter_map(|entry| entry.recorded.as_ref());
        let methods: Vec<_> = recorded.map(|recorded| recorded.parameters()["SignatureMethod"]).collect();
        assert_eq!(methods, ["HMAC-SHA1", "HMAC-SHA1"]);
        let listed = state.log.of("DescribeInstances").filter_map(|entry| entry.recorded.as_ref());
        let listed: Vec<_> = listed.collect();
        let is_version_3 = |(name, _): &(String, String)| name == "authorization";
        assert!(!listed.is_empty() && listed.iter().all(|one| one.headers.iter().any(is_version_3)));
    });
    assert_no_failure(&program).await;
    program.stop().await;
}

/// Due after half of it.
const LIFETIME: Duration = Duration::from_secs(12);
/// Requests in a collection of the one region.
const REQUESTS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_sts_delays_no_collection_while_the_session_is_valid() {
    let mut state = state();
    state.sts.lifetime = Some(LIFETIME.try_into().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (cloud, address) = program::cloud(state).await;
    let credentials = format!("{{ source = \"assume-role\", role_arn = \"{ARN}\" }}");
    let config = cloud.edit(|state| config(address, state, &credentials));
    let program = Program::start(folder.path(), &config).await;
    until(&cloud, |state| signed_by(state, "STS.sim0001") > 0).await;
    let obtained = Instant::now();
    cloud.edit(|state| {
        let action = Some("AssumeRole".to_owned());
        state.faults.push(FaultRule { action, ..FaultRule::of(Fault::Slow(LIFETIME)) });
    });
    until(&cloud, |state| state.log.of("AssumeRole").count() == 2).await;
    let before = cloud.edit(|state| signed_by(state, "STS.sim0001"));
    until(&cloud, |state| signed_by(state, "STS.sim0001") >= before + 2 * REQUESTS).await;
    assert!(obtained.elapsed() < LIFETIME, "the collections waited for STS");
    assert_no_failure(&program).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_used_to_its_end_although_the_profile_that_led_to_it_breaks() {
    let mut state = state();
    state.access_keys.insert("base".to_owned(), AccessKey::long_term("secret-hidden"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let profile = format!(
        r#"{{"current": "p", "profiles": [{{"name": "p", "mode": "RamRoleArn", "access_key_id": "base",
            "access_key_secret": "secret-hidden", "ram_role_arn": "{ARN}"}}]}}"#
    );
    std::fs::write(&file, profile).unwrap();
    let (cloud, address) = program::cloud(state).await;
    let credentials = format!("{{ source = \"profile\", file = {file:?} }}");
    let config = cloud.edit(|state| config(address, state, &credentials));
    let program = Program::start(folder.path(), &config).await;
    until(&cloud, |state| signed_by(state, "STS.sim0001") > 0).await;
    let broken = Instant::now();
    std::fs::write(&file, "{ \"secret-hidden\": ").unwrap();
    let before = cloud.edit(|state| signed_by(state, "STS.sim0001"));
    until(&cloud, |state| signed_by(state, "STS.sim0001") >= before + 4).await;
    let metrics = program.get("/metrics").await;
    let failures = "alicloud_tag_exporter_collection_failures_total{account=\"test\"";
    assert!(metrics.lines().filter(|line| line.starts_with(failures)).all(|line| line.ends_with(" 0")));
    let told = "alicloud_tag_exporter_credential_failures_total{account=\"test\",reason=\"malformed\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(told)).unwrap();
    assert_ne!(count, "0");
    let (_, log) = program.stop().await;
    assert!(
        log.contains("the current ones are still valid") && log.contains("is not a valid CLI configuration"),
        "{log}"
    );
    // One line each ten seconds, whatever the number of requests.
    let most = 1 + broken.elapsed().as_secs() / 10;
    assert!(log.matches("the current ones are still valid").count() as u64 <= most, "{log}");
    assert!(!log.contains("secret-hidden"), "{log}");
}
