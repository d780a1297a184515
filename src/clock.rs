//! The only place that asks what time it is.

use jiff::Timestamp;

/// The wall clock, to the millisecond: what is shown can be asked for again.
#[expect(clippy::disallowed_methods, reason = "everybody else asks here")]
pub fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Unix time in seconds, to the millisecond: the unit of Prometheus.
pub fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
