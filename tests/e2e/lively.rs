//! A cloud in which there is something of everything.

use jiff::Timestamp;
use simulator::{AccessKey, Cloud, Fault, FaultRule, Resource, State, demo};

pub const POLICY: &str = r#"
    [metrics]
    tag_labels = ["team"]
    [[policy.required_tags]]
    key = "owner"
    [[policy.required_tags]]
    key = "env"
"#;

/// The demo's cloud, which throttles at first.
pub fn state() -> State {
    let mut state = demo::state(&mut fastrand::Rng::with_seed(3), Timestamp::now());
    state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
    let throttle = FaultRule::of(Fault::Throttle { retry_after_ms: Some(1) });
    state.faults.push(FaultRule { times: Some(3), ..throttle });
    state
}

/// Tags are added, changed and removed, some owners with them, and a cluster appears.
pub fn change(cloud: &Cloud) {
    cloud.edit(|state| {
        for cluster in
            state.regions.values_mut().next().into_iter().flat_map(|region| region.of_mut("hbase").iter_mut())
        {
            cluster.tags.remove("owner");
        }
        for region in state.regions.values_mut() {
            for cluster in region.of_mut("hbase").iter_mut() {
                cluster.tags.remove("cost-center");
                cluster.tags.insert("team".to_owned(), "risk".to_owned());
                cluster.tags.insert("checked".to_owned(), "yes".to_owned());
            }
            region.of_mut("hbase").insert(Resource::new("hb-new"));
        }
    });
}
