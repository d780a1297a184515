//! The integration tests: one binary, against the simulated cloud.

mod sdk;
