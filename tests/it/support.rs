//! A simulated cloud and a daemon against it, both on free ports of loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alicloud_tag_exporter::cloud::catalog::{Catalog, Product};
use alicloud_tag_exporter::cloud::discovery::{Lister, TagSource};
use alicloud_tag_exporter::collection::assembly::Assembly;
use alicloud_tag_exporter::collection::targets::{Discovered, targets};
use alicloud_tag_exporter::command::serve;
use alicloud_tag_exporter::config::{Sources, load};
use alicloud_tag_exporter::instruments::Instruments;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use simulator::{self, Cloud, State};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::interval;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a state may take to come about.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a state is looked at while it is waited for.
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

pub struct Daemon {
    pub cloud: Cloud,
    pub stop: CancellationToken,
    pub running: JoinHandle<anyhow::Result<()>>,
    pub address: SocketAddr,
    http: reqwest::Client,
    _stop_cloud: DropGuard,
}

impl Daemon {
    /// Against `state`, with the regions of that state and a collection each two seconds.
    pub async fn start(state: State, more: &str) -> Self {
        Self::start_with(&[], state, more).await
    }

    /// The same with other settings, by key path. `more` is the end of the configuration file.
    pub async fn start_with(settings: &[(&'static str, &str)], state: State, more: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let regions: Vec<_> = state.regions.keys().cloned().collect();
        let (cloud, endpoint, stop_cloud) = start_cloud(state).await;
        let sources = sources(endpoint, &regions, settings, more);
        let config = load(&sources).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve::run(config, move || load(&sources), listener, stop.clone()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { cloud, stop, running, address, http, _stop_cloud: stop_cloud }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn metrics(&self) -> String {
        self.get("/metrics").await.1
    }

    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.1).unwrap()
    }

    /// Waits until `path` answers something that `is_so`.
    pub async fn until(&self, path: &str, is_so: impl Fn(u16, &str) -> bool) -> String {
        let mut looks = interval(BETWEEN_LOOKS);
        let looking = async {
            loop {
                looks.tick().await;
                let (status, text) = self.get(path).await;
                if is_so(status, &text) {
                    return text;
                }
            }
        };
        tokio::time::timeout(LIMIT, looking).await.expect("the state did not come about in time")
    }

    /// Waits until every target has been collected, and the last collection worked.
    pub async fn until_fresh(&self) {
        let old = ["pending", "stale", "failed"].map(|status| format!(r#""status":"{status}""#));
        self.until("/tags?limit=1", |_, text| !old.iter().any(|status| text.contains(status))).await;
        // The look before may still hold its place when only one is answered at once.
        self.until("/readyz", |status, _| status == 200).await;
    }

    /// Every resource of `/tags`, page by page.
    pub async fn resources(&self) -> Vec<Value> {
        let (mut all, mut path) = (Vec::new(), "/tags?limit=700".to_owned());
        loop {
            let mut page = self.json(&path).await;
            all.append(page["resources"].as_array_mut().unwrap());
            let Value::String(cursor) = &page["next_cursor"] else { return all };
            path = format!("/tags?limit=700&cursor={cursor}");
        }
    }
}

/// A lister of the only region of `state`, without pacing.
pub async fn lister(state: State) -> (Lister, Cloud, DropGuard) {
    let region = state.regions.keys().next().unwrap().clone();
    let (cloud, endpoint, stop) = start_cloud(state).await;
    let catalog = Catalog::builtin();
    let lister = lister_of(catalog.product("hbase").unwrap(), &region, endpoint, TagSource::Auto);
    (lister, cloud, stop)
}

/// A lister of `product` at `endpoint`, without pacing.
pub fn lister_of(
    product: &Arc<Product>,
    region: &str,
    endpoint: SocketAddr,
    tag_source: TagSource,
) -> Lister {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut config = load(&sources(endpoint, &[region.to_owned()], &[], "")).unwrap();
    config.accounts[0].products = vec![Arc::clone(product)];
    config.accounts[0].tag_source = tag_source;
    let mut assembly = Assembly::new(&config, &Instruments::new().unwrap()).unwrap();
    let wanted = targets(&config, &Discovered::new()).remove(0);
    let parts = assembly.parts(&wanted);
    assembly.collector(wanted.target, &parts).unwrap().lister
}

/// A cloud that ends with the guard, and its address.
async fn start_cloud(state: State) -> (Cloud, SocketAddr, DropGuard) {
    let (cloud, stop) = (Cloud::new(state), CancellationToken::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(simulator::serve(listener, cloud.clone(), stop.clone()));
    (cloud, address, stop.drop_guard())
}

/// The configuration of a daemon against the cloud at `endpoint`.
fn sources(
    endpoint: SocketAddr,
    regions: &[String],
    settings: &[(&'static str, &str)],
    more: &str,
) -> Sources {
    let text = format!(
        r#"
        collect = {{ interval = "2s" }}
        api = {{ endpoint = "http://{endpoint}", requests_per_second = 5000.0, max_attempts = 1 }}
        [[accounts]]
        name = "test"
        regions = {regions:?}
        credentials = {{ source = "static", access_key_id = "testid", access_key_secret = "testsecret" }}
        {more}"#
    );
    let file = Some(("test".to_owned(), text));
    let flags = settings.iter().map(|(path, value)| (*path, (*value).to_owned())).collect();
    Sources { file, flags, ..Sources::default() }
}
