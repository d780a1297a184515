//! Requests to the cloud, every attempt counted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{HistogramVec, IntCounterVec};

use super::{Registered, Result};

/// The instruments of calls to all products.
#[derive(Clone)]
pub(super) struct Requests {
    codes: Codes,
    requests: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
}

impl Requests {
    pub fn new(registered: &Registered<'_>) -> Result<Self> {
        Ok(Self {
            codes: Codes::default(),
            requests: registered.counter(
                "api_requests_total",
                "API requests; every attempt counts.",
                &["product", "action"],
            )?,
            failures: registered.counter(
                "api_request_failures_total",
                "Failed API requests by error code; every attempt counts.",
                &["product", "action", "code"],
            )?,
            duration: registered.histogram(
                "api_request_duration_seconds",
                "Duration of API requests, without the waits between attempts.",
                &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
                &["product", "action"],
            )?,
        })
    }

    /// The instruments for calls to `product`, all present at 0 from now on.
    pub fn of(&self, product: &str, actions: &[&str]) -> ApiInstruments {
        for action in actions {
            self.requests.with_label_values(&[product, action]);
            self.duration.with_label_values(&[product, action]);
        }
        ApiInstruments { all: self.clone(), product: product.to_owned() }
    }
}

/// The instruments of calls to one product.
#[derive(Clone)]
pub struct ApiInstruments {
    all: Requests,
    product: String,
}

impl ApiInstruments {
    /// One attempt ended; `code` is that of its error.
    pub fn observe(&self, action: &str, took: Duration, code: Option<&str>) {
        let labels = [self.product.as_str(), action];
        self.all.requests.with_label_values(&labels).inc();
        self.all.duration.with_label_values(&labels).observe(took.as_secs_f64());
        if let Some(code) = code.map(|code| self.all.codes.label(code)) {
            self.all.failures.with_label_values(&[self.product.as_str(), action, code]).inc();
        }
    }
}

/// The error codes that have had a label of their own so far: the cloud could answer ever other ones.
#[derive(Clone, Default)]
struct Codes(Arc<Mutex<BTreeSet<String>>>);

/// Others are counted together.
const MAX_CODES: usize = 50;
const OTHER: &str = "other";

impl Codes {
    fn label<'a>(&self, code: &'a str) -> &'a str {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_label = codes.contains(code) || (codes.len() < MAX_CODES && codes.insert(code.to_owned()));
        if is_label { code } else { OTHER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_past_the_most_are_counted_together() {
        let codes = Codes::default();
        for number in 0..MAX_CODES {
            let code = format!("Code.{number}");
            assert_eq!(codes.label(&code), code);
        }
        assert_eq!(codes.label("Code.600"), "other");
        assert_eq!(codes.label("Code.7"), "Code.7");
    }
}
