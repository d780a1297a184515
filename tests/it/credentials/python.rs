//! The official Python package, given the same environment, files and cloud.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::case::{Case, Stage, signer};
use super::{arn_of, cases};
use crate::sdk::python;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the Python SDKs; `make test` runs it"]
async fn the_official_package_chooses_the_same_credentials() {
    let mut staged = Vec::new();
    for case in cases().iter().map(|folder| Case::read(folder)).filter(Case::chooses_credentials) {
        let stage = case.stage().await;
        staged.push((case, stage));
    }
    let lines: Vec<_> = staged.iter().map(|(case, stage)| line(case, stage)).collect();
    let input = lines.join("\n");
    let output = tokio::task::spawn_blocking(move || python("credentials.py", &[], &input)).await.unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), staged.len());
    let mut wrong = Vec::new();
    for ((case, stage), answer) in staged.iter().zip(answers) {
        let chosen = answer["id"].as_str().map(|id| stage.cloud.edit(|state| signer(arn_of(state, id))));
        let expected = case.expected.of_the_official_package();
        if chosen.as_ref() != expected {
            wrong.push(format!("{}: {chosen:?}, not {expected:?}: {}", case.name, answer["error"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn line(case: &Case, stage: &Stage) -> String {
    json!({
        "environment": case.environment(stage),
        "credentials": case.given(stage),
        "port": stage.address.port(),
    })
    .to_string()
}

/// Every case in which the package chooses otherwise stands in the documentation.
#[test]
fn differences_from_the_official_package_are_documented() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/credentials.md");
    let text = std::fs::read_to_string(file).unwrap();
    let cases = cases().into_iter().map(|folder| Case::read(&folder));
    for case in cases.filter(|case| case.expected.python_differs.is_some()) {
        assert!(text.contains(&format!("`{}`", case.name)), "{} is not in docs/credentials.md", case.name);
    }
}
