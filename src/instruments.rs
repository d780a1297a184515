//! The exporter's own metrics: what this process did, as opposed to what it saw in the cloud.

use std::sync::LazyLock;

use crate::clock::{now, seconds};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

mod accounts;
mod api;
mod process;

pub use accounts::AccountInstruments;
use accounts::Accounts;
pub use api::ApiInstruments;
use api::Requests;

type Result<T> = prometheus::Result<T>;

/// Lines of the log, of which there is one in a process, that its reader left no room for.
pub static LOG_LINES_DROPPED: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Lines of the log that were dropped because its reader did not keep up.";
    IntCounter::new(named("log_lines_dropped_total"), help).expect("the name is a valid one")
});

/// Every instrument of the process, on one registry.
#[derive(Clone)]
pub struct Instruments {
    registry: Registry,
    requests: Requests,
    accounts: Accounts,
    history_failures: IntCounterVec,
    http_requests: IntCounterVec,
    web_config_ok: Gauge,
    config_ok: Gauge,
    config_read_at: Gauge,
}

impl Instruments {
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let registered = Registered(&registry);
        let instruments = Self {
            requests: Requests::new(&registered)?,
            accounts: Accounts::new(&registered)?,
            history_failures: registered.counter(
                "history_failures_total",
                "Failed operations on the state file.",
                &["operation"],
            )?,
            http_requests: registered.counter(
                "http_requests_total",
                "Answered HTTP requests.",
                &["handler", "code"],
            )?,
            web_config_ok: registered.figure(
                "web_config_last_reload_successful",
                "1 if the last load of the web configuration succeeded, 0 if it failed.",
            )?,
            config_ok: registered.figure(
                "config_last_reload_successful",
                "1 if the last load of the configuration succeeded, 0 if it failed.",
            )?,
            config_read_at: registered.figure(
                "config_last_reload_success_timestamp_seconds",
                "Unix time of the last successful load of the configuration.",
            )?,
            registry: registry.clone(),
        };
        instruments.begin()?;
        Ok(instruments)
    }

    /// Sets the values known at the start.
    fn begin(&self) -> Result<()> {
        Registered(&self.registry).with(LOG_LINES_DROPPED.clone())?;
        self.web_config_read(true);
        self.config_read(true);
        for operation in ["open", "read", "write"] {
            self.history_failures.with_label_values(&[operation]);
        }
        let help = "Build information; always 1.";
        let build = Registered(&self.registry).gauge(
            &named("build_info"),
            help,
            &["version", "revision", "rustc"],
        )?;
        let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("TAG_EXPORTER_REVISION"));
        build.with_label_values(&[version, revision, env!("TAG_EXPORTER_RUSTC")]).set(1.0);
        Ok(())
    }

    /// Records the shard's ordinal and the number of shards.
    pub fn shard(&self, ordinal: u32, total: u32) -> Result<()> {
        let constant = |name: &str, help: &str, value: u32| -> Result<()> {
            Registered(&self.registry).figure(name, help)?.set(value.into());
            Ok(())
        };
        constant("shard_ordinal", "Ordinal of this shard, from 0.", ordinal)?;
        constant("shards", "Number of shards.", total)
    }

    /// The instruments for calls to `product`, all present at 0 from now on.
    pub fn api(&self, product: &str, actions: &[&str]) -> ApiInstruments {
        self.requests.of(product, actions)
    }

    /// The instruments of `account`, with the `reasons` for which credentials can fail at 0 from now on.
    pub fn account(&self, account: &str, reasons: &[&str]) -> AccountInstruments {
        self.accounts.of(account, reasons)
    }

    /// Removes the gauges of an account that left the configuration or got other credentials. Counters continue.
    pub fn forget_account(&self, account: &str) {
        self.accounts.forget(account);
    }

    pub fn history_failed(&self, operation: &str) {
        self.history_failures.with_label_values(&[operation]).inc();
    }

    /// Whether the last load of the web configuration succeeded.
    pub fn web_config_read(&self, worked: bool) {
        self.web_config_ok.set(f64::from(u8::from(worked)));
    }

    /// Whether the last load of the configuration succeeded.
    pub fn config_read(&self, worked: bool) {
        self.config_ok.set(f64::from(u8::from(worked)));
        if worked {
            self.config_read_at.set(seconds(now()));
        }
    }

    pub fn http_answered(&self, handler: &str, code: u16) {
        self.http_requests.with_label_values(&[handler, &code.to_string()]).inc();
    }

    /// All metric families; process metrics are read now.
    pub fn gather(&self) -> Result<Vec<MetricFamily>> {
        let mut families = self.registry.gather();
        families.extend(process::gather()?);
        Ok(families)
    }
}

/// Makes instruments and registers them.
struct Registered<'a>(&'a Registry);

impl Registered<'_> {
    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.with(IntCounterVec::new(Opts::new(named(name), help), labels)?)
    }

    /// `name` is the complete name: some gauges describe the cloud, not this process.
    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        self.with(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// A gauge without labels.
    fn figure(&self, name: &str, help: &str) -> Result<Gauge> {
        self.with(Gauge::new(named(name), help)?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> Result<HistogramVec> {
        let options = HistogramOpts::new(named(name), help).buckets(buckets.to_vec());
        self.with(HistogramVec::new(options, labels)?)
    }

    fn with<C: Collector + Clone + 'static>(&self, collector: C) -> Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }
}

fn named(name: &str) -> String {
    format!("alicloud_tag_exporter_{name}")
}
