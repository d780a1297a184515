//! `audit` as its users run it: the program itself, against the simulated cloud and against files.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use simulator::{self, Cloud, Fault, FaultRule, Region, Resource, State};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::{CancellationToken, DropGuard};

mod delivery;
mod doubts;
mod hostile;
mod offline;
mod readers;
mod reports;

const LIMIT: Duration = Duration::from_secs(60);
const OWNER_AND_ENV: &str = "
    [[policy.required_tags]]
    key = \"owner\"
    [[policy.required_tags]]
    key = \"env\"
";

/// A folder with a configuration, and the cloud that it points to.
pub struct Bench {
    pub folder: TempDir,
    pub cloud: Cloud,
    _stop_cloud: DropGuard,
}

/// How a run of the program ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    /// A configuration of all regions of `state`, with `more`.
    pub async fn new(state: State, more: &str) -> Self {
        let regions: Vec<_> = state.regions.keys().cloned().collect();
        let (cloud, stop) = (Cloud::new(state), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap();
        tokio::spawn(simulator::serve(listener, cloud.clone(), stop.clone()));
        let bench = Self { folder: tempfile::tempdir().unwrap(), cloud, _stop_cloud: stop.drop_guard() };
        let text = format!(
            r#"
            api = {{ endpoint = "http://{endpoint}", requests_per_second = 5000.0, max_attempts = 1 }}
            {more}
            [[accounts]]
            name = "prod"
            regions = {regions:?}
            credentials = {{ source = "static", access_key_id = "testid", access_key_secret = "testsecret" }}
            "#
        );
        std::fs::write(bench.path("config.toml"), text).unwrap();
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `audit` in the folder, with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter"));
        command.arg("audit").args(arguments).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub async fn audit(&self, arguments: &[&str]) -> Ran {
        let ended = tokio::time::timeout(LIMIT, self.command(arguments).output()).await;
        ended.expect("it took too long").unwrap().into()
    }

    /// The JSON that it prints, whatever it finds.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.audit(&[&["--format", "json"], arguments].concat()).await;
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
    }

    /// Lets every request for `region` fail.
    pub fn fail(&self, region: &str, fault: Fault) {
        let rule = FaultRule { region: Some(region.to_owned()), ..FaultRule::of(fault) };
        self.cloud.edit(|state| state.faults.push(rule));
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Two regions: a cluster that has all, one without `env`, one with an empty owner and without `env`, and one that
/// was just made.
pub fn mixed() -> State {
    let mut new = Resource::new("hb-new");
    new.created = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let hangzhou = [
        Resource::new("hb-good").with_tags([("owner", "ann"), ("env", "prod")]),
        Resource::new("hb-half").with_tags([("owner", "ann")]),
        new,
    ];
    let shanghai = [Resource::new("ld-bad").with_tags([("owner", "")])];
    world([("cn-hangzhou", hangzhou.to_vec()), ("cn-shanghai", shanghai.to_vec())])
}

pub fn world<const N: usize>(regions: [(&str, Vec<Resource>); N]) -> State {
    let mut state = State::new(regions.map(|(id, clusters)| (id, Region::new(id, clusters))));
    state.access_keys.insert("testid".to_owned(), simulator::AccessKey::long_term("testsecret"));
    state
}
