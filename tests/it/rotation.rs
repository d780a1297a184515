//! Keys that change while collections run.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use simulator::{AccessKey, Cloud, Role, State, synthetic};
use tokio::time::{Duration, interval, timeout};

use crate::program::{self, Program};

const ROTATIONS: usize = 100;
const REGIONS: usize = 20;
const LIMIT: Duration = Duration::from_secs(60);
/// More than can be in flight: after so many requests with a new key none is under way with the old one.
const SETTLED: usize = 12;

pub fn config(cloud: std::net::SocketAddr, state: &State, credentials: &str) -> String {
    let regions: Vec<_> = state.regions.keys().collect();
    format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{cloud}\", requests_per_second = 5000.0, max_attempts = 1 }}
         [[accounts]]
         name = \"test\"
         regions = {regions:?}
         credentials = {credentials}"
    )
}

/// Replaces the file as a whole, as Kubernetes and careful people do.
fn write_profile(folder: &Path, id: &str) {
    let text = format!(
        r#"{{"current": "p", "profiles": [{{"name": "p", "mode": "AK", "access_key_id": "{id}",
            "access_key_secret": "secret of {id}"}}]}}"#
    );
    std::fs::write(folder.join("new.json"), text).unwrap();
    std::fs::rename(folder.join("new.json"), folder.join("config.json")).unwrap();
}

pub fn signed_by(state: &State, id: &str) -> usize {
    let recorded = state.log.iter().filter_map(|entry| entry.recorded.as_ref());
    recorded.filter(|recorded| recorded.access_key_id() == Some(id)).count()
}

/// Whether each region's last request was accepted: one that was refused is tried once more, with a key that must
/// not end before that.
fn no_second_attempt_is_due(state: &State) -> bool {
    let last: BTreeMap<_, _> = state.log.iter().map(|entry| (&entry.region, entry.code.is_some())).collect();
    !last.into_values().any(|is_refused| is_refused)
}

pub async fn until(cloud: &Cloud, mut is_so: impl FnMut(&mut State) -> bool) {
    let mut looks = interval(crate::support::BETWEEN_LOOKS);
    let looking = async {
        while !cloud.edit(&mut is_so) {
            looks.tick().await;
        }
    };
    timeout(LIMIT, looking).await.expect("the state did not come about in time");
}

pub async fn assert_no_failure(program: &Program) {
    let metrics = program.get("/metrics").await;
    let failures = metrics.lines().filter(|line| {
        line.starts_with("alicloud_tag_exporter_collection_failures_total") && !line.ends_with(" 0")
    });
    assert_eq!(failures.collect::<Vec<_>>(), [""; 0]);
    let line = "alicloud_tag_exporter_credential_failures_total";
    assert!(
        metrics.lines().filter(|text| text.starts_with(line)).all(|text| text.ends_with(" 0")),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute; `make test` runs it"]
async fn a_hundred_new_keys_in_a_file_fail_no_collection_and_no_old_one_is_used_once_it_is_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = synthetic(REGIONS, 3, 2);
    state.record = true;
    state.access_keys.insert("key-0".to_owned(), AccessKey::long_term("secret of key-0"));
    write_profile(folder.path(), "key-0");
    let credentials = format!("{{ source = \"profile\", file = {:?} }}", folder.path().join("config.json"));
    let (cloud, address) = program::cloud(state).await;
    let config = cloud.edit(|state| config(address, state, &credentials));
    let program = Program::start(folder.path(), &config).await;
    for n in 1..=ROTATIONS {
        let (old, new) = (format!("key-{}", n - 1), format!("key-{n}"));
        until(&cloud, |state| signed_by(state, &old) > 0).await;
        let key = AccessKey::long_term(&format!("secret of {new}"));
        cloud.edit(|state| state.access_keys.insert(new.clone(), key));
        write_profile(folder.path(), &new);
        until(&cloud, |state| signed_by(state, &new) >= SETTLED).await;
        cloud.edit(|state| state.access_keys.remove(&old));
    }
    let refused = cloud.edit(|state| state.log.iter().filter(|entry| entry.code.is_some()).count());
    assert_eq!(refused, 0, "an old key was used");
    assert_no_failure(&program).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tokens_that_the_cloud_calls_expired_fail_no_collection() {
    let arn = "acs:ram::1234567890123456:role/reader";
    let mut state = synthetic(REGIONS, 3, 2);
    state.record = true;
    let trusted = vec![state.access_keys["testid"].arn.clone()];
    state.sts.roles.insert(arn.to_owned(), Role { trusted, ..Role::default() });
    let folder = tempfile::tempdir().unwrap();
    let credentials = format!("{{ source = \"assume-role\", role_arn = \"{arn}\" }}");
    let (cloud, address) = program::cloud(state).await;
    let config = cloud.edit(|state| config(address, state, &credentials));
    let program = Program::start(folder.path(), &config).await;
    for n in 1..=ROTATIONS {
        let id = format!("STS.sim{n:04}");
        until(&cloud, |state| {
            let is_settled = signed_by(state, &id) >= 2 && no_second_attempt_is_due(state);
            if is_settled {
                state.access_keys.get_mut(&id).unwrap().expiration = Some(Timestamp::UNIX_EPOCH);
            }
            is_settled
        })
        .await;
    }
    let last = format!("STS.sim{:04}", ROTATIONS + 1);
    until(&cloud, |state| signed_by(state, &last) >= SETTLED).await;
    let asked = cloud.edit(|state| state.log.of("AssumeRole").count());
    assert_eq!(asked, ROTATIONS + 1, "each token is renewed once, whoever finds it expired");
    assert_no_failure(&program).await;
    program.stop().await;
}
