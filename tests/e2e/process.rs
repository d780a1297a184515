//! Programs that run beside a test and end with it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long a state may take to come about.
pub const LIMIT: Duration = Duration::from_secs(90);
/// How often a state is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A program, killed when this is dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Runs `program` in `folder`, where its log is kept.
    pub fn start<'a>(program: &Path, folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let name = program.file_name().unwrap().to_str().unwrap();
        let log = folder.join(name).with_extension("log");
        let output = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).kill_on_drop(true).stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap_or_else(|error| panic!("could not run {name}: {error}"));
        Self { child, log }
    }

    /// Asks the program to end, and gives its exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        timeout(LIMIT, self.child.wait()).await.expect("it did not end").unwrap().code()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

/// An address of loopback that nobody listens on yet.
pub fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Looks until `seen` gives something.
pub async fn until<T>(what: &str, seen: impl AsyncFn() -> Option<T>) -> T {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            looks.tick().await;
            if let Some(found) = seen().await {
                return found;
            }
        }
    };
    timeout(LIMIT, looking).await.unwrap_or_else(|_| panic!("{what} did not come about in {LIMIT:?}"))
}

/// The body behind `url`, if it can be had.
pub async fn get(url: impl reqwest::IntoUrl) -> Option<String> {
    let answer = HTTP.get(url).send().await.ok()?.error_for_status().ok()?;
    answer.text().await.ok()
}

/// Without kept connections: each test has a runtime of its own.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
});
