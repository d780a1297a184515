//! How the cloud is asked: one product in one region for one account.

pub mod api;
pub mod catalog;
pub mod client;
pub mod credentials;
pub mod discovery;
pub mod pacing;
pub mod retry;
