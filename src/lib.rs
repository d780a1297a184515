//! lib
pub mod api;
pub mod catalog;
pub mod client;
pub mod credentials;
pub mod diff;
pub mod discovery;
pub mod exposition;
pub mod instruments;
pub mod inventory;
pub mod policy;
pub mod simulator;
