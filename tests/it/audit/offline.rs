//! Saved answers, judged without a cloud.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};
use simulator::{Fault, FaultRule};
use tokio::io::AsyncWriteExt as _;

use super::{Bench, LIMIT, OWNER_AND_ENV, Ran, mixed};
use crate::support::Daemon;

/// A folder with a saved report, and with a configuration that has nothing but a policy.
async fn saved() -> (Bench, Value) {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    assert_eq!(bench.audit(&["--format", "json", "--output", "saved.json"]).await.code, 1);
    fs::write(bench.path("config.toml"), OWNER_AND_ENV).unwrap();
    let text = fs::read_to_string(bench.path("saved.json")).unwrap();
    (bench, serde_json::from_str(&text).unwrap())
}

async fn refused(bench: &Bench, saved: impl AsRef<[u8]>) -> String {
    fs::write(bench.path("saved.json"), saved).unwrap();
    let ran = bench.audit(&["--offline", "saved.json"]).await;
    assert_eq!((ran.code, &*ran.stdout), (3, ""), "{}", ran.stderr);
    ran.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_saved_gives_the_same_verdicts() {
    let (bench, mut saved) = saved().await;
    let mut again = bench.json(&["--offline", "saved.json"]).await;
    for report in [&mut saved, &mut again] {
        report.as_object_mut().unwrap().remove("generated_at");
    }
    assert_eq!(saved, again);
    assert_eq!(bench.audit(&["--offline", "saved.json"]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_are_those_of_the_configuration_and_not_of_the_file() {
    let (bench, _) = saved().await;
    fs::write(bench.path("config.toml"), "[policy]\ngrace_period = \"1h\"").unwrap();
    assert_eq!(bench.audit(&["--offline", "saved.json"]).await.code, 0);
    fs::write(bench.path("config.toml"), "[[policy.required_tags]]\nkey = \"team\"").unwrap();
    let report = bench.json(&["--offline", "saved.json"]).await;
    let first = &report["resources"][0]["compliance"];
    assert_eq!(first["violations"], json!([{"key": "team", "reason": "missing"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_their_secrets_are_not_needed() {
    let (bench, _) = saved().await;
    let account = "[[accounts]]\nname = \"prod\"\nregions = [\"cn-hangzhou\"]
        credentials = { source = \"static\", access_key_id = \"x\", access_key_secret = \"\" }";
    fs::write(bench.path("config.toml"), format!("{OWNER_AND_ENV}{account}")).unwrap();
    assert_eq!(bench.audit(&["--offline", "saved.json"]).await.code, 1);
    assert_eq!(bench.audit(&[]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_daemon_is_read_from_stdin() {
    let daemon = Daemon::start(mixed(), "").await;
    daemon.until_fresh().await;
    let (_, answer) = daemon.get("/tags").await;
    let (bench, saved) = saved().await;
    let mut program =
        bench.command(&["--format", "json", "--offline", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(answer.as_bytes()).await.unwrap();
    let ran = Ran::from(tokio::time::timeout(LIMIT, program.wait_with_output()).await.unwrap().unwrap());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let states = |report: &Value| {
        let rows = report["resources"].as_array().unwrap().iter();
        let state = |row: &Value| json!([row["resource_id"], row["compliance"]["state"]]);
        rows.map(state).collect::<Vec<_>>()
    };
    assert_eq!(states(&report), states(&saved));
    assert_eq!(report["targets"][0]["account"], "test");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_several_is_refused() {
    let (bench, mut saved) = saved().await;
    saved["next_cursor"] = json!("abc");
    assert!(refused(&bench, saved.to_string()).await.contains("it is one of several pages"));
    saved.as_object_mut().unwrap().remove("next_cursor");
    refused(&bench, saved.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_fresh_is_refused() {
    let (bench, saved) = saved().await;
    for status in ["stale", "failed", "pending"] {
        let mut saved = saved.clone();
        saved["targets"][1]["status"] = json!(status);
        let told = refused(&bench, saved.to_string()).await;
        assert!(told.contains("target prod/cn-shanghai/hbase: it is not fresh"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_a_daemon_whose_cloud_fails_is_refused() {
    let daemon = Daemon::start(mixed(), "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| state.faults.push(FaultRule::of(Fault::Status(503))));
    let answer = daemon.until("/tags", |_, text| text.contains(r#""status":"stale""#)).await;
    let (bench, _) = saved().await;
    assert!(refused(&bench, answer).await.contains("it is not fresh"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_hold_all_resources_is_refused() {
    let (bench, saved) = saved().await;
    let mut filtered = saved.clone();
    filtered["resources"].as_array_mut().unwrap().remove(0);
    assert!(refused(&bench, filtered.to_string()).await.contains("it claims 3 resources, but 2 are present"));
    let mut twice = saved.clone();
    twice["resources"][1] = twice["resources"][0].clone();
    assert!(refused(&bench, twice.to_string()).await.contains("it contains a duplicate resource"));
    let mut unknown = saved.clone();
    unknown["targets"].as_array_mut().unwrap().remove(0);
    assert!(
        refused(&bench, unknown.to_string())
            .await
            .contains("it contains resources of prod/cn-hangzhou/hbase")
    );
    let empty = json!({"targets": [], "resources": [], "next_cursor": null});
    assert!(refused(&bench, empty.to_string()).await.contains("it contains no targets"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_ill_formed_is_refused_by_its_place_and_not_by_its_text() {
    let (bench, saved) = saved().await;
    let text = serde_json::to_string_pretty(&saved).unwrap();
    for (broken, told) in [
        (text.replace("\"fresh\"", "\"hidden\""), "it is not an answer of /tags"),
        (text.replacen("\"tags\": {", "\"tags\": { hidden", 1), "it is not valid JSON"),
        (text[..text.len() / 2].to_owned(), "it is truncated"),
        (String::new(), "it is truncated"),
        ("\"hidden\"".to_owned(), "it is not an answer of /tags"),
    ] {
        let refusal = refused(&bench, broken).await;
        assert!(
            refusal.contains("line ") && refusal.contains("column ") && refusal.contains(told),
            "{refusal}"
        );
        assert!(!refusal.contains("hidden") && !refusal.contains("hb-"), "{refusal}");
    }
    let refusal = refused(&bench, b"{\"targets\": \"\xff\"}").await;
    assert!(refusal.contains("line 1, column"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_makes_it_3() {
    let (bench, _) = saved().await;
    let ran = bench.audit(&["--offline", "none.json"]).await;
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("cannot read none.json"), "{}", ran.stderr);
}
