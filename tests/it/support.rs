//! A simulated cloud and a daemon against it, both on free ports of loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use alicloud_tag_exporter::cloud::api::endpoint::Network;
use alicloud_tag_exporter::cloud::api::{Signature, direct_client, http_client};
use alicloud_tag_exporter::cloud::catalog::{Catalog, Product};
use alicloud_tag_exporter::cloud::client::Client;
use alicloud_tag_exporter::cloud::credentials::{Provider, Reach, Secret, Source, StaticKey};
use alicloud_tag_exporter::cloud::discovery::{Lister, TagSource};
use alicloud_tag_exporter::cloud::pacing::{InFlight, Pace};
use alicloud_tag_exporter::command::serve;
use alicloud_tag_exporter::config::{Sources, load};
use alicloud_tag_exporter::instruments::Instruments;
use globset::GlobSet;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use simulator::{self, Cloud, State};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::interval;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

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
        let cloud = Cloud::new(state);
        let stop_cloud = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap();
        tokio::spawn(simulator::serve(listener, cloud.clone(), stop_cloud.clone()));
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
        let sources = Sources { file, flags, ..Sources::default() };
        let config = load(&sources).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(serve::run(config, move || load(&sources), listener, stop.clone()));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { cloud, stop, running, address, http, _stop_cloud: stop_cloud.drop_guard() }
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
        assert_eq!(self.get("/readyz").await.0, 200);
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
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let region = state.regions.keys().next().unwrap().clone();
    let cloud = Cloud::new(state);
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(simulator::serve(listener, cloud.clone(), stop.clone()));
    let catalog = Catalog::builtin();
    let lister = lister_of(catalog.product("hbase").unwrap(), &region, endpoint, TagSource::Auto);
    (lister, cloud, stop.drop_guard())
}

/// A lister of `product` at `endpoint`, without pacing.
pub fn lister_of(product: &Arc<Product>, region: &str, endpoint: Url, tag_source: TagSource) -> Lister {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let instruments = Instruments::new().unwrap();
    let client = Client {
        http: http_client(LIMIT).unwrap(),
        endpoint,
        product: Arc::clone(product),
        api: Arc::clone(&product.api),
        region: region.to_owned(),
        credentials: Arc::new(provider(&instruments)),
        signature: Signature::HmacSha1,
        pace: Pace::new(f64::INFINITY),
        permits: InFlight::new(4).permits("cloud"),
        max_attempts: 1,
        instruments: instruments.api(&product.api.code, &product.actions()),
        attempts: AtomicU64::new(0),
    };
    Lister::new(client, tag_source, Arc::new(GlobSet::empty()))
}

/// The credentials that every cloud of the tests knows.
fn provider(instruments: &Instruments) -> Provider {
    let secret = Secret::Value("testsecret".into());
    let key = StaticKey { id: "testid".to_owned(), secret, security_token: None };
    let reach = Reach {
        http: http_client(LIMIT).unwrap(),
        direct: direct_client().unwrap(),
        max_attempts: 1,
        endpoint: None,
        network: Network::Public,
        region: None,
        permits: InFlight::new(4).permits("sts"),
        instruments: instruments.api("sts", &[]),
    };
    Provider::new(Source::Static(key), reach, instruments.account("test", &[]))
}
