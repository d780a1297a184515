//! The program itself, as a process, against a simulated cloud.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use simulator::{self, Cloud, State};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a state may take to come about.
const LIMIT: Duration = Duration::from_secs(30);
/// Of any answer of a test: cursors must come to an end.
const MAX_PAGES: usize = 1000;

/// The cloud of `state` on loopback, until the test's runtime ends.
pub async fn cloud(state: State) -> (Cloud, SocketAddr) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cloud = Cloud::new(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
    (cloud, address)
}

/// A running program.
pub struct Program {
    pub process: Child,
    pub log: tokio::task::JoinHandle<String>,
    pub address: String,
    http: reqwest::Client,
}

impl Program {
    /// Starts it with the configuration `text`, which is put into `folder`, and waits until it listens.
    pub async fn start(folder: &Path, text: &str) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter")), folder, text).await
    }

    /// The same, and from when it listens on nobody reads its log.
    pub async fn start_unread(folder: &Path, text: &str) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter"));
        Self::launch(command, folder, text, false).await
    }

    /// The same by another command, which starts the program with the arguments that are added.
    pub async fn start_by(command: Command, folder: &Path, text: &str) -> Self {
        Self::launch(command, folder, text, true).await
    }

    async fn launch(mut command: Command, folder: &Path, text: &str, is_read: bool) -> Self {
        let config = folder.join("config.toml");
        std::fs::write(&config, text).unwrap();
        command.args(["--web.listen-address", "127.0.0.1:0", "--config.file"]).arg(config);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid");
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret");
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let mut told = String::new();
        let starting = async {
            while !told.contains("listening on http") {
                assert!(lines.read_line(&mut told).await.unwrap() > 0, "it ended: {told}");
            }
        };
        timeout(LIMIT, starting).await.expect("it does not say where it listens");
        let address =
            told.split("listening on ").nth(1).unwrap().split([' ', '\n', '"']).next().unwrap().to_owned();
        let log = tokio::spawn(async move {
            if !is_read {
                std::future::pending::<()>().await;
            }
            while lines.read_line(&mut told).await.is_ok_and(|read| read > 0) {}
            told
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, log, address, http }
    }

    pub async fn get(&self, path: &str) -> String {
        self.http.get(format!("{}{path}", self.address)).send().await.unwrap().text().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    /// Every row of `rows` in the JSON answers at `path`, page by page.
    pub async fn all(&self, path: &str, rows: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut page = self.json(&format!("{path}?limit=500")).await;
        for _ in 0..MAX_PAGES {
            all.extend(page[rows].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            page = self.json(&format!("{path}?limit=500&cursor={cursor}")).await;
        }
        panic!("{path} has more than {MAX_PAGES} pages");
    }

    /// Asks it to end by a signal; its exit code and its whole log.
    pub async fn stop(mut self) -> (Option<i32>, String) {
        let id = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        let ended = timeout(LIMIT, self.process.wait()).await.expect("it did not end");
        (ended.unwrap().code(), self.log.await.unwrap())
    }

    /// Waits until `path` answers something that `is_so`.
    pub async fn until(&self, path: &str, mut is_so: impl FnMut(&str) -> bool) -> String {
        let looking = async {
            loop {
                let text = self.get(path).await;
                if is_so(&text) {
                    return text;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, looking).await.expect("the state did not come about in time")
    }
}
