//! Accounts: their credentials, their ids, and the search for their regions.

use std::collections::HashMap;

use prometheus::core::Collector as _;
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounterVec};

use super::{Registered, Result, named};
use crate::clock::{now, seconds};

/// The instruments of all accounts.
#[derive(Clone)]
pub(super) struct Accounts {
    credential_failures: IntCounterVec,
    credentials_expiration: GaugeVec,
    info: GaugeVec,
    region_discovery_success: GaugeVec,
    region_discovery_last_success: GaugeVec,
}

impl Accounts {
    pub fn new(registered: &Registered<'_>) -> Result<Self> {
        Ok(Self {
            credential_failures: registered.counter(
                "credential_failures_total",
                "Failed attempts to obtain credentials.",
                &["account", "reason"],
            )?,
            credentials_expiration: registered.gauge(
                &named("credentials_expiration_timestamp_seconds"),
                "Unix time at which the temporary credentials of the account expire.",
                &["account"],
            )?,
            info: registered.gauge(
                "alicloud_account_info",
                "The cloud's ID of the account; always 1.",
                &["account", "account_id"],
            )?,
            region_discovery_success: registered.gauge(
                &named("region_discovery_success"),
                "1 if the last region discovery succeeded, 0 if it failed.",
                &["account", "product"],
            )?,
            region_discovery_last_success: registered.gauge(
                &named("region_discovery_last_success_timestamp_seconds"),
                "Unix time of the last successful region discovery.",
                &["account", "product"],
            )?,
        })
    }

    /// The instruments of `account`, with the `reasons` for which credentials can fail at 0 from now on.
    pub fn of(&self, account: &str, reasons: &[&str]) -> AccountInstruments {
        for reason in reasons {
            self.credential_failures.with_label_values(&[account, reason]);
        }
        AccountInstruments { all: self.clone(), account: account.to_owned() }
    }

    /// Removes the gauges of `account`.
    pub fn forget(&self, account: &str) {
        let Self {
            credential_failures: _,
            credentials_expiration,
            info,
            region_discovery_success,
            region_discovery_last_success,
        } = self;
        for gauge in [credentials_expiration, info, region_discovery_success, region_discovery_last_success] {
            remove_series(gauge, account);
        }
    }
}

fn remove_series(gauge: &GaugeVec, account: &str) {
    let families = gauge.collect();
    for metric in families.iter().flat_map(MetricFamily::get_metric) {
        let labels: HashMap<_, _> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        if labels.get("account") == Some(&account) {
            // The series may have been removed in the meantime.
            let _ = gauge.remove(&labels);
        }
    }
}

/// The instruments of one account and its credentials.
#[derive(Clone)]
pub struct AccountInstruments {
    all: Accounts,
    account: String,
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

    /// Records when the credentials in use expire; `None` if they do not.
    pub fn credentials_end(&self, at: Option<jiff::Timestamp>) {
        let labels = [self.account.as_str()];
        match at {
            Some(at) => self.all.credentials_expiration.with_label_values(&labels).set(seconds(at)),
            // The series may not exist.
            None => _ = self.all.credentials_expiration.remove_label_values(&labels),
        }
    }

    /// A search for the regions of `product` ended.
    pub fn regions_found(&self, product: &str, worked: bool) {
        let labels = [self.account.as_str(), product];
        self.all.region_discovery_success.with_label_values(&labels).set(f64::from(u8::from(worked)));
        if worked {
            let now = seconds(now());
            self.all.region_discovery_last_success.with_label_values(&labels).set(now);
        }
    }

    /// The cloud's id of the account is known.
    pub fn is_account(&self, account_id: &str) {
        self.all.info.with_label_values(&[self.account.as_str(), account_id]).set(1.0);
    }
}
