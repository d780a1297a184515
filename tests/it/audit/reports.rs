//! What the four formats tell, and the exit codes.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Fault, Resource};

use super::{Bench, OWNER_AND_ENV, mixed, world};

const FORMATS: [&str; 4] = ["table", "json", "junit", "sarif"];

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_0_when_all_is_compliant_and_1_when_a_rule_is_broken() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    for format in FORMATS {
        let ran = bench.audit(&["--format", format]).await;
        assert_eq!((ran.code, &*ran.stderr), (1, ""), "{format}");
    }
    bench.cloud.edit(|state| {
        for cluster in state.regions.values_mut().flat_map(|region| region.of_mut("hbase").iter_mut()) {
            cluster.tags = [("owner", "x"), ("env", "y")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        }
    });
    for format in FORMATS {
        let ran = bench.audit(&["--format", format]).await;
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_resource_alone_breaks_nothing() {
    let mut new = Resource::new("hb-new");
    new.created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let bench = Bench::new(world([("cn-hangzhou", vec![new])]), OWNER_AND_ENV).await;
    let ran = bench.audit(&[]).await;
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("0 violating, 1 pending"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_2_for_a_wrong_usage_and_a_wrong_configuration() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    assert_eq!(bench.audit(&["--format", "html"]).await.code, 2);
    assert_eq!(bench.audit(&["--config.file", "none.toml"]).await.code, 2);
    std::fs::write(bench.path("config.toml"), "[policy]\nrequired = 1").unwrap();
    let ran = bench.audit(&[]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("policy.required: unknown key"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_fails_makes_it_3_and_the_rest_of_the_report_is_there() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    bench.fail("cn-shanghai", Fault::Code { status: 403, code: "Forbidden.RAM".into() });
    for format in FORMATS {
        let ran = bench.audit(&["--format", format]).await;
        assert_eq!(ran.code, 3, "{format}");
        for told in ["hb-half", "env", "cn-shanghai", "denied", "Forbidden.RAM"] {
            assert!(ran.stdout.contains(told), "{told} is not in {format}:\n{}", ran.stdout);
        }
        // The table is read where the log is.
        let logged = usize::from(format != "table");
        assert_eq!(ran.stderr.matches("Forbidden.RAM").count(), logged, "{format}: {}", ran.stderr);
        if format == "table" {
            assert_eq!(ran.stdout.matches("Forbidden.RAM").count(), 1, "{}", ran.stdout);
        }
    }
    let report = bench.json(&[]).await;
    assert_eq!(report["targets"][0]["status"], "fresh");
    assert_eq!(report["targets"][1]["status"], "failed");
    assert_eq!(report["targets"][1]["resources"], Value::Null);
    let sarif: Value = serde_json::from_str(&bench.audit(&["--format", "sarif"]).await.stdout).unwrap();
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_never_answers_is_unknown_at_the_deadline() {
    let rules = format!("collect = {{ deadline = \"1s\" }}\n{OWNER_AND_ENV}");
    let bench = Bench::new(mixed(), &rules).await;
    bench.fail("cn-shanghai", Fault::Slow(Duration::from_secs(300)));
    let ran = bench.audit(&[]).await;
    assert_eq!(ran.code, 3);
    assert!(
        ran.stdout
            .contains("hbase is unknown (deadline): the collection of cn-shanghai did not finish within 1s")
    );
    assert!(ran.stdout.contains("hb-half"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_contains_each_resource_with_its_verdict() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let report = bench.json(&[]).await;
    let rows = report["resources"].as_array().unwrap().iter();
    let told: Vec<_> = rows
        .map(|row| {
            json!([
                row["region_id"],
                row["resource_id"],
                row["compliance"]["state"],
                row["compliance"]["violations"]
            ])
        })
        .collect();
    let broken = |key: &str, reason: &str| json!({"key": key, "reason": reason});
    assert_eq!(
        json!(told),
        json!([
            ["cn-hangzhou", "hb-good", "compliant", []],
            ["cn-hangzhou", "hb-half", "violating", [broken("env", "missing")]],
            ["cn-hangzhou", "hb-new", "pending", [broken("owner", "missing"), broken("env", "missing")]],
            ["cn-shanghai", "ld-bad", "violating", [broken("owner", "empty"), broken("env", "missing")]],
        ])
    );
    assert_eq!(report["next_cursor"], Value::Null);
    assert_eq!(report["targets"][0]["resources"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_target_is_judged_also_by_the_configuration_of_one_shard() {
    for ordinal in 0..2 {
        let shard = format!("shard = {{ ordinal = {ordinal}, total = 2 }}\n{OWNER_AND_ENV}");
        let report = Bench::new(mixed(), &shard).await.json(&[]).await;
        assert_eq!(report["targets"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_grouped_by_region_and_ends_with_a_summary() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let told = bench.audit(&[]).await.stdout;
    let places: Vec<_> = ["prod / cn-hangzhou", "hb-good", "hb-half", "prod / cn-shanghai", "ld-bad"]
        .map(|text| told.find(text).unwrap_or_else(|| panic!("{text} is not in\n{told}")))
        .to_vec();
    assert!(places.is_sorted(), "{told}");
    assert!(told.contains("owner: empty; env: missing"), "{told}");
    let last = told.lines().last().unwrap();
    assert_eq!(last, "4 resources in 2 targets: 1 compliant, 2 violating, 1 pending, 0 exempt");
    assert!(!told.contains('\u{1b}'), "it is coloured, but goes to no terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_has_a_case_for_each_resource_and_rule() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let told = bench.audit(&["--format", "junit"]).await.stdout;
    assert!(told.contains(r#"tests="8" failures="3" errors="0""#), "{told}");
    assert_eq!(told.matches("<testcase ").count(), 8);
    assert_eq!(told.matches("<failure ").count(), 3);
    assert_eq!(told.matches("<skipped ").count(), 2);
    let half = r#"<testcase classname="prod.cn-hangzhou.hbase" name="hb-half env">"#;
    assert!(told.contains(half), "{told}");
    assert!(told.contains(r#"<failure type="missing" message="env: missing">"#), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sarif_has_a_result_for_each_violation_and_the_same_fingerprints_each_time() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let mut reports = Vec::new();
    for _ in 0..2 {
        let told = bench.audit(&["--format", "sarif"]).await.stdout;
        reports.push(serde_json::from_str::<Value>(&told).unwrap()["runs"][0].clone());
    }
    let run = &reports[0];
    assert_eq!(run["results"], reports[1]["results"]);
    let results = run["results"].as_array().unwrap().iter();
    let place = |result: &Value| result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].clone();
    let told: Vec<_> = results.clone().map(|result| json!([result["ruleId"], place(result)])).collect();
    assert_eq!(
        json!(told),
        json!([
            ["env", "prod/cn-hangzhou/hbase/hb-half"],
            ["owner", "prod/cn-shanghai/hbase/ld-bad"],
            ["env", "prod/cn-shanghai/hbase/ld-bad"],
        ])
    );
    let mut fingerprints: Vec<_> = results.map(|result| result["partialFingerprints"].to_string()).collect();
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 3);
    assert_eq!(run["properties"], json!({"compliant": 1, "exempt": 0, "pending": 1, "violating": 2}));
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_violations_leaves_out_the_others_but_counts_them() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    for format in FORMATS {
        let ran = bench.audit(&["--format", format, "--only-violations"]).await;
        assert_eq!(ran.code, 1);
        assert!(ran.stdout.contains("hb-half") && ran.stdout.contains("ld-bad"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("hb-good") && !ran.stdout.contains("hb-new"), "{}", ran.stdout);
    }
    let told = bench.audit(&["--format", "junit", "--only-violations"]).await.stdout;
    assert!(told.contains(r#"tests="3" failures="3" errors="0""#), "{told}");
    let told = bench.audit(&["--only-violations"]).await.stdout;
    assert!(told.contains("1 compliant, 2 violating, 1 pending"), "{told}");
    assert_eq!(bench.json(&["--only-violations"]).await["targets"][0]["resources"], 3);
}
