//! Listings that do not say everything: the result is unknown, and each format says why.

use std::fs;

use serde_json::json;
use simulator::{Fault, FaultRule, Resource, State};

use super::{Bench, OWNER_AND_ENV, world};

fn one() -> State {
    let good = Resource::new("hb-good").with_tags([("owner", "ann"), ("env", "prod")]);
    world([("cn-hangzhou", vec![good])])
}

/// Every answer to `action` is `body`.
fn always(bench: &Bench, action: &str, body: serde_json::Value) {
    let fault = Fault::Body(body.to_string().replace('\u{fdd0}', "\\ud800"));
    let rule = FaultRule { action: Some(action.to_owned()), ..FaultRule::of(fault) };
    bench.cloud.edit(|state| state.faults.push(rule));
}

fn listing(counted: usize) -> serde_json::Value {
    json!({"TotalCount": counted, "Instances": {"Instance": [{"InstanceId": "hb-good"}]}})
}

/// Each format ends with 3 and contains `problem`.
async fn all_formats_tell(bench: &Bench, problem: &str) {
    for format in ["table", "json", "junit", "sarif"] {
        let ran = bench.audit(&["--format", format]).await;
        assert_eq!(ran.code, 3, "{format}: {}", ran.stdout);
        assert!(ran.stdout.contains(problem), "{format}: {}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_below_the_count_is_unknown_in_each_format() {
    let bench = Bench::new(one(), OWNER_AND_ENV).await;
    always(&bench, "DescribeInstances", listing(3));
    all_formats_tell(&bench, "the cloud counts 3 resources but lists 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_above_the_count_is_unknown_also_when_it_is_saved() {
    let bench = Bench::new(one(), OWNER_AND_ENV).await;
    always(&bench, "DescribeInstances", listing(0));
    let problem = "the listing has 1 resource, which is not the number that the cloud counts";
    for format in ["table", "junit", "sarif"] {
        let ran = bench.audit(&["--format", format]).await;
        assert_eq!(ran.code, 3, "{format}: {}", ran.stdout);
        assert!(ran.stdout.contains(problem), "{format}: {}", ran.stdout);
    }
    assert_eq!(bench.json(&[]).await["targets"][0]["count_mismatch"], true);
    offline_is_unknown(&bench, problem).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_tags_are_unknown_also_when_they_are_saved() {
    let bench = Bench::new(one(), OWNER_AND_ENV).await;
    let row = json!({"ResourceId": "hb-good", "TagKey": "owner", "TagValue": "\u{fdd0}"});
    always(&bench, "ListTagResources", json!({"TagResources": {"TagResource": [row]}}));
    for arguments in [&["--format", "table"][..], &["--format", "junit"], &["--format", "sarif"]] {
        let ran = bench.audit(arguments).await;
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        assert!(ran.stdout.contains("the tags of hb-good could not be read"), "{}", ran.stdout);
    }
    offline_is_unknown(&bench, "the tags of hb-good could not be read").await;
}

/// The saved report is as unknown as the audit that wrote it.
async fn offline_is_unknown(bench: &Bench, problem: &str) {
    assert_eq!(bench.audit(&["--format", "json", "--output", "saved.json"]).await.code, 3);
    fs::write(bench.path("config.toml"), OWNER_AND_ENV).unwrap();
    let ran = bench.audit(&["--offline", "saved.json"]).await;
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains(problem), "{}", ran.stdout);
}
