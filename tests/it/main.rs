//! The integration tests: one binary, against the simulated cloud.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "a test has a clock, an environment and tasks of its own")]

mod accounts;
mod answers;
mod any_input;
mod audit;
mod bad_requests;
mod certificates;
mod clock;
mod conformance;
mod credentials;
mod daemon;
mod demo;
mod every_product;
mod exact;
mod forms;
mod golden;
mod hostile;
mod limits;
mod own_product;
mod policy;
mod product_sdks;
mod program;
mod prometheus;
mod promtool;
mod readers;
mod readings;
mod references;
mod regions;
mod reload;
mod renewal;
mod restart;
mod rotation;
mod scrape;
mod script;
mod sdk;
mod secrets;
mod shards;
mod shifting;
mod support;
mod text_format;
mod traps;
mod web;
