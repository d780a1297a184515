//! A simulated cloud on loopback that changes slowly, and the configuration of a daemon against it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::config::{Config, Problems, Sources, load};
use simulator::{self, Cloud, demo};

/// How often the simulated cloud changes.
const DRIFT: Duration = Duration::from_secs(5);
const SEED: u64 = 7;

#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Address of the simulated cloud, for use as your own `api.endpoint`; port 0 picks a free one.
    #[arg(long = "cloud.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub cloud: SocketAddr,
    /// Overrides the global flag: `demo` reads no configuration file.
    #[arg(id = "config_file", long = "config.file", hide = true, value_parser = refused)]
    pub config_file: Option<PathBuf>,
}

fn refused(_: &str) -> Result<PathBuf, &'static str> {
    Err("demo has its own configuration and reads no file")
}

/// Starts the cloud in the background until `stop`, and returns its address.
#[expect(clippy::disallowed_methods, reason = "the cloud goes on beside the daemon")]
pub async fn start_cloud(options: &Options, stop: CancellationToken) -> anyhow::Result<SocketAddr> {
    let address = options.cloud;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let cloud = Cloud::new(demo::state(&mut random, now()));
    tokio::spawn(drift(cloud.clone(), random, stop.clone()));
    tokio::spawn(simulator::serve(listener, cloud, stop));
    Ok(address)
}

async fn drift(cloud: Cloud, mut random: fastrand::Rng, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(DRIFT);
    ticks.tick().await;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        cloud.edit(|state| demo::drift(state, &mut random, now()));
    }
}

/// A configuration for the cloud at `cloud`; `sources` take precedence.
pub fn config(cloud: SocketAddr, sources: Sources) -> Result<Config, Problems> {
    let text = format!(
        r#"
        [collect]
        interval = "10s"
        [api]
        endpoint = "http://{cloud}"
        requests_per_second = 100.0
        [[accounts]]
        name = "demo"
        regions = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
        products = ["hbase", "ecs-instance", "ecs-disk", "rds", "redis", "mongodb", "slb", "eip", "oss-bucket", "cdn-domain"]
        credentials = {{ source = "static", access_key_id = "{}", access_key_secret = "{}" }}
        # Its key was deleted: so looks an account whose credentials fail.
        [[accounts]]
        name = "acquired"
        regions = ["cn-hangzhou"]
        products = ["ecs-instance"]
        credentials = {{ source = "static", access_key_id = "deleted-key", access_key_secret = "deleted" }}
        [metrics]
        tag_labels = [{{ key = "负责人", label = "owner_zh" }}, "team"]
        [[policy.required_tags]]
        key = "owner"
        aliases = ["Owner"]
        [[policy.required_tags]]
        key = "env"
        values = ["prod", "staging", "dev"]
        [[policy.required_tags]]
        key = "cost-center"
        [[policy.forbidden_tags]]
        key = "temp*"
        [[policy.exemptions]]
        product = "cdn-domain"
        keys = ["cost-center", "owner"]
        reason = "the domains move to another team"
        "#,
        demo::ACCESS_KEY_ID,
        demo::ACCESS_KEY_SECRET,
    );
    load(&Sources { file: Some(("the demo".to_owned(), text)), ..sources })
}
