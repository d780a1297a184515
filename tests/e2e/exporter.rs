//! The simulated cloud, and the exporter's own program against it.

use std::path::{Path, PathBuf};

use simulator::{self, Cloud, State};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::process::{Program, free_address, get, until};

pub struct Exporter {
    pub cloud: Cloud,
    pub address: String,
    folder: TempDir,
    program: Option<Program>,
    _stop_cloud: DropGuard,
}

impl Exporter {
    /// Against a cloud of `state`, with a collection each second; `more` ends its configuration. `{folder}` in it is
    /// a folder that outlives restarts.
    pub async fn start(state: State, more: &str) -> Self {
        let regions: Vec<_> = state.regions.keys().cloned().collect();
        let cloud = Cloud::new(state);
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap();
        tokio::spawn(simulator::serve(listener, cloud.clone(), stop.clone()));
        let folder = tempfile::tempdir().unwrap();
        let more = more.replace("{folder}", folder.path().to_str().unwrap());
        let text = format!(
            r#"
            collect = {{ interval = "1s" }}
            api = {{ endpoint = "http://{endpoint}", requests_per_second = 1000.0 }}
            [[accounts]]
            name = "prod"
            regions = {regions:?}
            credentials = {{ source = "static", access_key_id = "testid", access_key_secret = "testsecret" }}
            {more}"#
        );
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        let _stop_cloud = stop.drop_guard();
        let mut exporter = Self { cloud, address: free_address(), folder, program: None, _stop_cloud };
        exporter.run().await;
        exporter
    }

    /// Runs the program until it is ready, again on the same address.
    pub async fn run(&mut self) {
        let arguments = format!("--config.file=config.toml --web.listen-address={}", self.address);
        self.program = Some(Program::start(&binary(), self.folder.path(), arguments.split(' ')));
        let url = format!("http://{}/readyz", self.address);
        until(&url, async || get(&url).await).await;
    }

    /// Ends the program as an administrator would.
    pub async fn terminate(&mut self) {
        let program = self.program.take().unwrap();
        let log = program.log();
        assert_eq!(program.terminate().await, Some(0), "{log}");
    }
}

fn binary() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_alicloud-tag-exporter")).to_owned()
}
