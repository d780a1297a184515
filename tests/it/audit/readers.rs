//! What programs of others make of the reports, and how they look on a terminal.

use std::process::Output;

use serde_json::{Value, json};

use super::{Bench, OWNER_AND_ENV, hostile, mixed};
use crate::sdk::python_ended;
use simulator::Fault;

/// A bench whose report has everything in it: each state, and a target that is not known.
async fn with_everything() -> Bench {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    bench.fail("cn-shanghai", Fault::Code { status: 403, code: "Forbidden.RAM".into() });
    bench
}

async fn read_by(script: &'static str, arguments: &[&str], input: String) -> Output {
    let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let reading = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        python_ended(script, &arguments, &input)
    };
    tokio::task::spawn_blocking(reading).await.unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python packages; `make test` runs it"]
async fn junitparser_reads_every_case() {
    let told = with_everything().await.audit(&["--format", "junit"]).await.stdout;
    let output = read_by("junit_report.py", &[], told).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let suites: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(suites[0]["counts"], json!([6, 1, 0, 2]));
    let hangzhou = |name: &str, bad: Value| json!(["prod.cn-hangzhou.hbase", name, bad]);
    let cases = suites[0]["cases"].as_array().unwrap();
    assert_eq!(cases[0], hangzhou("hb-good owner", json!([])));
    assert_eq!(cases[3], hangzhou("hb-half env", json!([["Failure", "missing", "env: missing"]])));
    let pending = &cases[5][2][0];
    assert_eq!((&pending[0], &pending[1]), (&json!("Skipped"), &json!("missing")));
    assert!(pending[2].as_str().unwrap().starts_with("env: missing (pending until 2"), "{pending}");
    assert_eq!(suites[1]["counts"], json!([1, 0, 1, 0]));
    let error = &suites[1]["cases"][0];
    assert_eq!(
        (&error[1], &error[2][0][0], &error[2][0][1]),
        (&json!("collection"), &json!("Error"), &json!("denied"))
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python packages; `make test` runs it"]
async fn sarif_is_valid_by_its_schema() {
    let told = with_everything().await.audit(&["--format", "sarif"]).await.stdout;
    let invalid = told.replace(r#""level": "error""#, r#""level": "loud""#);
    assert_ne!(told, invalid);
    let output = read_by("sarif_report.py", &[], told).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&read_by("sarif_report.py", &[], invalid).await).contains("'loud' is not one of"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python packages; `make test` runs it"]
async fn hostile_texts_leave_both_valid() {
    let bench = Bench::new(hostile::state(), &hostile::rules()).await;
    for (format, script) in [("junit", "junit_report.py"), ("sarif", "sarif_report.py")] {
        let told = bench.audit(&["--format", format]).await.stdout;
        let output = read_by(script, &[], told).await;
        assert!(output.status.success(), "{format}: {}", stderr(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python packages; `make test` runs it"]
async fn the_shape_of_junit_is_looked_at() {
    for wrong in [
        "<testsuites><testsuite name='a' tests='0' failures='0'/></testsuites>",
        "<testsuites><testcase name='a'/></testsuites>",
        "<testsuites colour='red'/>",
        "<testsuites name='\u{1}'/>",
    ] {
        assert!(!read_by("junit_report.py", &[], wrong.to_owned()).await.status.success(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python packages; `make test` runs it"]
async fn a_terminal_shows_colours_and_progress_and_the_table_fits() {
    let bench = Bench::new(mixed(), OWNER_AND_ENV).await;
    let config = bench.path("config.toml").display().to_string();
    let command =
        [env!("CARGO_BIN_EXE_alicloud-tag-exporter"), "audit", "--config.file", &config].map(str::to_owned);
    let command = command.each_ref().map(String::as_str);
    let output = read_by("terminal.py", &command, String::new()).await;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("\u{1b}[31mviolating\u{1b}[0m"), "{shown}");
    assert!(shown.contains("of 2 targets collected"), "{shown}");
    let table = shown.split("prod / cn-hangzhou").nth(1).unwrap();
    let widths = table.lines().map(|line| console::measure_text_width(line.trim_end()));
    assert!(widths.clone().all(|width| width <= 72), "{shown}");

    let without = [&["env", "NO_COLOR=1"], &command[..]].concat();
    let output = read_by("terminal.py", &without, String::new()).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    let table = shown.split("prod / cn-hangzhou").nth(1).unwrap();
    assert!(table.contains("violating") && !table.contains('\u{1b}'), "{shown}");
}
