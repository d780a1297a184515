//! Our own counters: what this process did, as opposed to what it saw in the cloud.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::api::ApiError;

mod process;

type Result<T> = prometheus::Result<T>;

/// Every instrument of the process, on one registry.
#[derive(Clone)]
pub struct Instruments {
    registry: Registry,
    api_requests: IntCounterVec,
    api_failures: IntCounterVec,
    api_duration: HistogramVec,
    credential_failures: IntCounterVec,
    credentials_expiration: GaugeVec,
    account_info: GaugeVec,
    region_discovery_success: GaugeVec,
    region_discovery_last_success: GaugeVec,
    history_failures: IntCounterVec,
    http_requests: IntCounterVec,
    web_config_ok: Gauge,
    config_ok: Gauge,
    config_read_at: Gauge,
}

/// The instruments of calls to one product.
#[derive(Clone)]
pub struct ApiInstruments {
    all: Instruments,
    product: String,
}

/// The instruments of one account and its credentials.
#[derive(Clone)]
pub struct AccountInstruments {
    all: Instruments,
    account: String,
}

impl Instruments {
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(named(name), help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| -> Result<GaugeVec> {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let instruments = Self {
            credentials_expiration: gauge(
                &named("credentials_expiration_timestamp_seconds"),
                "Unix time at which the temporary credentials of the account end.",
                &["account"],
            )?,
            account_info: gauge(
                "alicloud_account_info",
                "1, labelled with the cloud's id of the account, as STS told it once.",
                &["account", "account_id"],
            )?,
            region_discovery_success: gauge(
                &named("region_discovery_success"),
                "1 if the last search for the regions of the product worked.",
                &["account", "product"],
            )?,
            region_discovery_last_success: gauge(
                &named("region_discovery_last_success_timestamp_seconds"),
                "Unix time of the last search for the regions of the product that worked.",
                &["account", "product"],
            )?,
            api_requests: counter(
                "api_requests_total",
                "Requests to the cloud API, every attempt counted.",
                &["product", "action"],
            )?,
            api_failures: counter(
                "api_request_failures_total",
                "Requests to the cloud API that failed, every attempt counted, by the cloud's error code.",
                &["product", "action", "code"],
            )?,
            api_duration: api_duration(&registry)?,
            credential_failures: counter(
                "credential_failures_total",
                "Attempts to get credentials that failed.",
                &["account", "reason"],
            )?,
            history_failures: counter(
                "history_failures_total",
                "Reads and writes of the change log that failed.",
                &["operation"],
            )?,
            http_requests: counter(
                "http_requests_total",
                "HTTP requests that this exporter answered.",
                &["handler", "code"],
            )?,
            web_config_ok: Gauge::new(
                named("web_config_last_reload_successful"),
                "1 if the last reading of the web configuration worked.",
            )?,
            config_ok: Gauge::new(
                named("config_last_reload_successful"),
                "1 if the last load of the configuration worked.",
            )?,
            config_read_at: Gauge::new(
                named("config_last_reload_success_timestamp_seconds"),
                "Unix time of the last load of the configuration that worked.",
            )?,
            registry,
        };
        let Self { registry, web_config_ok, config_ok, config_read_at, .. } = &instruments;
        for gauge in [web_config_ok, config_ok, config_read_at] {
            registry.register(Box::new(gauge.clone()))?;
        }
        instruments.web_config_read(true);
        instruments.config_read(true);
        for operation in ["open", "read", "write"] {
            instruments.history_failures.with_label_values(&[operation]);
        }
        instruments.register_constants()?;
        Ok(instruments)
    }

    /// The instruments for calls to `product`, all present at 0 from now on.
    pub fn api(&self, product: &str, actions: &[&str]) -> ApiInstruments {
        for action in actions {
            self.api_requests.with_label_values(&[product, action]);
            self.api_duration.with_label_values(&[product, action]);
        }
        ApiInstruments { all: self.clone(), product: product.to_owned() }
    }

    /// The instruments of `account`, with the `reasons` for which credentials can fail at 0 from now on.
    pub fn account(&self, account: &str, reasons: &[&str]) -> AccountInstruments {
        for reason in reasons {
            self.credential_failures.with_label_values(&[account, reason]);
        }
        AccountInstruments { all: self.clone(), account: account.to_owned() }
    }

    pub fn history_failed(&self, operation: &str) {
        self.history_failures.with_label_values(&[operation]).inc();
    }

    /// Whether the last reading of the web configuration worked.
    pub fn web_config_read(&self, worked: bool) {
        self.web_config_ok.set(f64::from(u8::from(worked)));
    }

    /// Whether the last load of the configuration worked.
    pub fn config_read(&self, worked: bool) {
        self.config_ok.set(f64::from(u8::from(worked)));
        if worked {
            self.config_read_at.set(seconds(jiff::Timestamp::now()));
        }
    }

    pub fn http_answered(&self, handler: &str, code: u16) {
        self.http_requests.with_label_values(&[handler, &code.to_string()]).inc();
    }

    /// All of them, the process's own figures read now.
    pub fn gather(&self) -> Result<Vec<MetricFamily>> {
        let mut families = self.registry.gather();
        families.extend(process::gather()?);
        Ok(families)
    }

    /// Tells which of how many shards this is.
    pub fn shard(&self, ordinal: u32, total: u32) -> Result<()> {
        self.constant("shard_ordinal", "The number of this shard, from 0.", ordinal.into())?;
        self.constant("shards", "The number of shards that the targets are spread over.", total.into())
    }

    fn register_constants(&self) -> Result<()> {
        let build = Opts::new(named("build_info"), "1, labelled with what this program was built from.");
        let build = GaugeVec::new(build, &["version", "revision", "rustc"])?;
        build
            .with_label_values(&[
                env!("CARGO_PKG_VERSION"),
                env!("TAG_EXPORTER_REVISION"),
                env!("TAG_EXPORTER_RUSTC"),
            ])
            .set(1.0);
        self.registry.register(Box::new(build))?;
        Ok(())
    }

    fn constant(&self, name: &str, help: &str, value: f64) -> Result<()> {
        let gauge = Gauge::new(named(name), help)?;
        gauge.set(value);
        self.registry.register(Box::new(gauge))
    }
}

impl ApiInstruments {
    /// One attempt ended.
    pub fn observe(&self, action: &str, took: Duration, error: Option<&ApiError>) {
        let labels = [self.product.as_str(), action];
        self.all.api_requests.with_label_values(&labels).inc();
        self.all.api_duration.with_label_values(&labels).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.all.api_failures.with_label_values(&[&self.product, action, error.code()]).inc();
        }
    }
}

impl AccountInstruments {
    /// The account's name in the configuration.
    pub fn name(&self) -> &str {
        &self.account
    }

    /// An attempt to get credentials failed.
    pub fn credentials_failed(&self, reason: &str) {
        self.all.credential_failures.with_label_values(&[self.account.as_str(), reason]).inc();
    }

    /// Tells when the credentials in use end; `None` for those that do not.
    pub fn credentials_end(&self, at: Option<jiff::Timestamp>) {
        let labels = [self.account.as_str()];
        match at {
            Some(at) => self.all.credentials_expiration.with_label_values(&labels).set(seconds(at)),
            // There may have been none.
            None => _ = self.all.credentials_expiration.remove_label_values(&labels),
        }
    }

    /// A search for the regions of `product` ended.
    pub fn regions_found(&self, product: &str, worked: bool) {
        let labels = [self.account.as_str(), product];
        self.all.region_discovery_success.with_label_values(&labels).set(f64::from(u8::from(worked)));
        if worked {
            let now = seconds(jiff::Timestamp::now());
            self.all.region_discovery_last_success.with_label_values(&labels).set(now);
        }
    }

    /// The cloud's id of the account is known.
    pub fn is_account(&self, account_id: &str) {
        self.all.account_info.with_label_values(&[self.account.as_str(), account_id]).set(1.0);
    }
}

/// Unix time in seconds, to the millisecond.
pub fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn named(name: &str) -> String {
    format!("alicloud_tag_exporter_{name}")
}

fn api_duration(registry: &Registry) -> Result<HistogramVec> {
    let options = HistogramOpts::new(
        named("api_request_duration_seconds"),
        "Duration of requests to the cloud API, every attempt counted, waits between them left out.",
    )
    .buckets(vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
    let histogram = HistogramVec::new(options, &["product", "action"])?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}
