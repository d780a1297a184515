//! The program itself, at its most talkative, against a cloud that echoes what was signed.

use simulator::{Fault, FaultRule, synthetic};

use crate::program::{self, Program};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_and_a_signal_ends_the_program_cleanly() {
    let mut state = synthetic(1, 3, 2);
    state.record = true;
    state.faults.push(FaultRule::of(Fault::SignatureMismatch));
    let region = state.regions.keys().next().unwrap().clone();
    let (cloud, endpoint) = program::cloud(state).await;
    let config = format!(
        "collect = {{ interval = \"1s\" }}
         api = {{ endpoint = \"http://{endpoint}\" }}
         log = {{ level = \"trace\" }}
         [[accounts]]
         name = \"test\"
         regions = [\"{region}\"]"
    );
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &config).await;
    program.until("/tags", |text| text.contains("failed")).await;
    let mut answers = String::new();
    for path in ["/", "/metrics", "/tags", "/tags/changes", "/readyz"] {
        answers += &program.get(path).await;
    }
    let (code, log) = program.stop().await;
    assert_eq!(code, Some(0));

    let told = answers + &log;
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
