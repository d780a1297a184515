//! The whole way of an alert, with real programs: simulated cloud → exporter → Prometheus with the shipped
//! configuration → Alertmanager → a webhook.
//!
//! `scripts/prometheus` names the folders of the programs, for `TAG_EXPORTER_PROMETHEUS`; `make test` does both.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "a test has a clock, an environment and tasks of its own")]

mod alert;
mod dashboard;
mod exporter;
mod lively;
mod monitoring;
mod names;
mod process;
mod webhook;
