//! The cloud of the `demo` command, listed by a configuration of one's own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alicloud-tag-exporter");
const ANSWERS_AT: &str = "the simulated cloud is listening on ";

/// Ends with the test, whatever comes of it.
struct Demo(Child);

impl Demo {
    fn start() -> Self {
        let demo = Command::new(PROGRAM)
            .args(["demo", "--web.listen-address=127.0.0.1:0", "--cloud.listen-address=127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn();
        Self(demo.unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_cloud_of_the_demo_can_be_listed_by_a_configuration_of_ones_own() {
    let mut demo = Demo::start();
    // Kept to the end: the demo goes on writing.
    let mut said = BufReader::new(demo.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = said.find(|line| line.contains(ANSWERS_AT)).unwrap();
    let endpoint = line.split(ANSWERS_AT).nth(1).unwrap();

    let audit = audit(endpoint);
    drop(demo);
    let report = String::from_utf8(audit.stdout).unwrap();
    assert_eq!(audit.status.code(), Some(1), "{report}");
    assert!(report.contains("cn-hangzhou"), "{report}");
}

fn audit(endpoint: &str) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let text = format!(
        r#"
        [api]
        endpoint = "{endpoint}"
        [[accounts]]
        name = "own"
        regions = ["cn-hangzhou"]
        credentials = {{ source = "static", access_key_id = "demo-access-key", access_key_secret = "demo-secret" }}
        [[policy.required_tags]]
        key = "owner"
        "#
    );
    std::fs::write(&config, text).unwrap();
    Command::new(PROGRAM).args(["audit", "--config.file"]).arg(config).output().unwrap()
}
