//! One case: it is set up, the exporter runs against it, and what came of it is compared.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_tag_exporter::command::serve;
use alicloud_tag_exporter::config::{Config, Problems, Sources, load};
use serde::Deserialize;
use serde_json::Value;
use simulator::{self, Cloud};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::arn_of;
use super::cloud::CloudFile;

/// A case may take this long to come to an end.
const LIMIT: Duration = Duration::from_secs(30);

/// A folder: `environment`, `files`, `modes`, `credentials.toml`, `cloud.toml`, each if there is anything to say,
/// and `expected.toml`.
pub struct Case {
    pub name: String,
    folder: PathBuf,
    pub expected: Expected,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// Whom the requests are signed by: the id of a key, or the ARN of a role.
    pub signed_by: Option<String>,
    /// What the metadata server, STS and the URI were asked, in order.
    asked: Vec<String>,
    /// Parts of the message of the failed collection.
    error: Vec<String>,
    /// The label of the credential failure.
    reason: Option<String>,
    /// Parts of the log.
    warned: Vec<String>,
    /// Parts of the problems of the configuration, which is not accepted then.
    config: Vec<String>,
    /// Why the official package chooses otherwise, or cannot be asked.
    pub python_differs: Option<String>,
    /// What the official package is signed by where it chooses otherwise.
    pub python_signed_by: Option<String>,
}

impl Expected {
    /// Whom the requests of the official package are signed by.
    pub fn of_the_official_package(&self) -> Option<&String> {
        match self.python_differs {
            Some(_) => self.python_signed_by.as_ref(),
            None => self.signed_by.as_ref(),
        }
    }
}

/// A cloud, and a home directory.
pub struct Stage {
    pub cloud: Cloud,
    pub address: SocketAddr,
    pub home: TempDir,
}

impl Case {
    pub fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(folder.join("expected.toml")).unwrap();
        let expected = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, folder: folder.to_owned(), expected }
    }

    /// Runs in a runtime of one thread, on which the log is caught.
    pub fn run(&self, signature: &str) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("warn,alicloud_tag_exporter=trace"))
            .with_writer({
                let log = log.clone();
                move || log.clone()
            })
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ended = tokio::time::timeout(LIMIT, self.play(signature, &log)).await;
            ended.unwrap_or_else(|_| panic!("{} with {signature} did not end", self.name));
        });
    }

    async fn play(&self, signature: &str, log: &Log) {
        let stage = self.stage().await;
        let config = match load(&self.sources(&stage, signature)) {
            Ok(config) => config,
            Err(problems) => {
                let told = problems.to_string();
                assert!(!self.expected.config.is_empty(), "{}: {told}", self.name);
                self.assert_parts(&self.expected.config, &told);
                return self.assert_no_secret(&stage, &told);
            }
        };
        assert!(self.expected.config.is_empty(), "{}: the configuration is accepted", self.name);
        let printed = format!("{config:?}");
        let answers = self.answers(config).await;
        self.compare(&stage, &answers, &log.text());
        let told = [answers.tags.to_string(), answers.metrics, log.text()].concat();
        // A configuration that is printed names its endpoints, and nothing else does.
        let address = stage.address.to_string();
        assert!(!told.contains(&address), "{}: {address} is told in {told}", self.name);
        self.assert_no_secret(&stage, &(printed + &told));
    }

    pub async fn stage(&self) -> Stage {
        let home = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cloud: CloudFile =
            toml::from_str(&self.text("cloud.toml")).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let cloud = Cloud::new(cloud.state());
        tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
        let stage = Stage { cloud, address, home };
        let files = self.folder.join("files");
        if files.is_dir() {
            copy(&files, stage.home.path(), &stage);
        }
        for line in self.text("modes").lines() {
            let (mode, file) = line.split_once(' ').unwrap();
            let mode = u32::from_str_radix(mode, 8).unwrap();
            let path = stage.home.path().join(file);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        stage
    }

    /// The environment of the case, with a home.
    pub fn environment(&self, stage: &Stage) -> BTreeMap<String, String> {
        let text = stage.filled(&self.text("environment"));
        let pairs = text.lines().map(|line| line.split_once('=').unwrap());
        let home = ("HOME", stage.home.path().to_str().unwrap());
        pairs.chain([home]).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What the configuration says of the credentials.
    pub fn given(&self, stage: &Stage) -> String {
        match self.text("credentials.toml").as_str() {
            "" => "source = \"default\"".to_owned(),
            given => stage.filled(given),
        }
    }

    /// Whether the end of the case is that credentials are chosen, or that none can be had.
    pub fn chooses_credentials(&self) -> bool {
        self.expected.config.is_empty()
            && (self.expected.signed_by.is_some() || self.expected.reason.is_some())
    }

    fn sources(&self, stage: &Stage, signature: &str) -> Sources {
        let given = self.given(stage);
        let metadata = match given.contains("metadata_endpoint") || !may_ask_metadata(&given) {
            true => String::new(),
            false => format!("metadata_endpoint = \"http://{}\"", stage.address),
        };
        let Stage { address, .. } = stage;
        let text = format!(
            r#"
            collect = {{ interval = "10s" }}
            api = {{ endpoint = "http://{address}", requests_per_second = 5000.0, max_attempts = 1, signature = "{signature}" }}
            [[accounts]]
            name = "other"
            regions = ["cn-hangzhou"]
            credentials = {{ source = "static", access_key_id = "testid", access_key_secret = "testsecret" }}
            [[accounts]]
            name = "case"
            regions = ["cn-hangzhou"]
            [accounts.credentials]
            {metadata}
            {given}"#
        );
        let environment = self.environment(stage);
        Sources { file: Some(("case".to_owned(), text)), environment, flags: Vec::new() }
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }

    /// What the exporter answers after the first collection.
    async fn answers(&self, config: Config) -> Answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve::run(config, || Err(Problems(Vec::new())), listener, stop.clone()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = async |path: &str| {
            let answer = http.get(format!("http://{address}{path}")).send().await.unwrap();
            answer.text().await.unwrap()
        };
        let mut looks = tokio::time::interval(crate::support::BETWEEN_LOOKS);
        let tags = loop {
            looks.tick().await;
            let tags = get("/tags").await;
            if !tags.contains("pending") {
                break serde_json::from_str(&tags).unwrap();
            }
        };
        let metrics = get("/metrics").await;
        stop.cancel();
        running.await.unwrap().unwrap();
        Answers { tags, metrics }
    }

    fn compare(&self, stage: &Stage, answers: &Answers, log: &str) {
        let (name, expected) = (&self.name, &self.expected);
        let targets = answers.tags["targets"].as_array().unwrap();
        let target = |account| targets.iter().find(|target| target["account"] == account).unwrap();
        assert_eq!(target("other")["status"], "fresh", "{name}: the other account is touched");
        let error = target("case")["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(expected.error.is_empty(), error.is_empty(), "{name}: {error}");
        self.assert_parts(&expected.error, error);
        self.assert_parts(&expected.warned, log);
        let is_quiet = !log.contains(" WARN ") || !error.is_empty() || !expected.warned.is_empty();
        assert!(is_quiet, "{name}: {log}");
        if let Some(reason) = &expected.reason {
            let line = format!(
                "alicloud_tag_exporter_credential_failures_total{{account=\"case\",reason=\"{reason}\"}} "
            );
            let count = answers.metrics.lines().find_map(|text| text.strip_prefix(&line)).unwrap();
            assert_ne!(count, "0", "{name}: {reason}");
        }
        let (signers, asked) = stage.cloud.edit(|state| {
            let near = |action: &str| action.contains(' ') || action.starts_with("AssumeRole");
            let asked: Vec<_> =
                state.log.iter().map(|entry| entry.action.clone()).filter(|action| near(action)).collect();
            let answered = state.log.of("DescribeInstances").filter(|entry| entry.code.is_none());
            let ids = answered.filter_map(|entry| entry.recorded.as_ref()?.access_key_id());
            let others = ids.filter(|id| *id != "testid");
            (others.map(|id| signer(arn_of(state, id))).collect::<Vec<_>>(), asked)
        });
        // Who fails may ask again: the account's id is asked for, too.
        let rounds: Vec<_> = asked.chunks(expected.asked.len().max(1)).collect();
        assert_eq!(rounds.first().copied().unwrap_or_default(), expected.asked, "{name}: {error}");
        assert!(rounds.iter().all(|round| *round == expected.asked), "{name}: {asked:?}");
        assert!(rounds.len() == 1 || expected.asked.is_empty() || !error.is_empty(), "{name}: {asked:?}");
        assert_eq!(signers.first(), expected.signed_by.as_ref(), "{name}: {error} {log}");
        let ends = answers.metrics.contains("credentials_expiration_timestamp_seconds{account=\"case\"}");
        let is_session = expected.signed_by.is_some() && !expected.asked.is_empty();
        assert_eq!(ends, is_session, "{name}: the end of the credentials");
    }

    fn assert_parts(&self, parts: &[String], told: &str) {
        for part in parts {
            assert!(told.contains(part), "{}: {part:?} is not in {told}", self.name);
        }
    }

    /// In the cases every secret has `hidden` in it.
    fn assert_no_secret(&self, stage: &Stage, told: &str) {
        let mut secrets = vec!["hidden".to_owned(), "SignatureNonce".to_owned()];
        stage.cloud.edit(|state| {
            for (id, key) in &state.access_keys {
                secrets.extend([id.clone(), key.secret.clone()]);
                secrets.extend(key.security_token.clone());
            }
        });
        for secret in secrets {
            assert!(!told.contains(&secret), "{}: {secret} is told in {told}", self.name);
        }
    }
}

struct Answers {
    tags: Value,
    metrics: String,
}

/// The id of a user's key, or the ARN of a role.
pub fn signer(arn: &str) -> String {
    arn.rsplit_once(":user/").map_or(arn, |(_, id)| id).to_owned()
}

fn may_ask_metadata(credentials: &str) -> bool {
    let first = credentials.lines().next().unwrap_or_default();
    ["default", "profile", "ecs-ram-role"].iter().any(|source| first.contains(&format!("\"{source}\"")))
}

fn copy(from: &Path, to: &Path, stage: &Stage) {
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap().path();
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry, &target, stage);
        } else {
            let bytes = std::fs::read(&entry).unwrap();
            let bytes = String::from_utf8(bytes)
                .map_or_else(|error| error.into_bytes(), |text| stage.filled(&text).into());
            std::fs::write(&target, bytes).unwrap();
        }
    }
}

impl Stage {
    fn filled(&self, text: &str) -> String {
        let cloud = format!("http://{}", self.address);
        text.replace("{home}", self.home.path().to_str().unwrap()).replace("{cloud}", &cloud)
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
