//! The commands, one file or folder each.

pub mod audit;
pub mod check_config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod products;
pub mod serve;
