//! A Prometheus exporter and tag inventory of Alibaba Cloud.
//!
//! A pure core in a ring of I/O, in layers: a module imports only from modules above it in this list. `ARCHITECTURE.md`
//! draws them and follows a value through them.
//!
//! - [`clock`] asks for the time, `form` reads a parsed file as a type, [`instruments`] counts what this process does.
//! - [`inventory`] is what is known of targets and how it changes; [`policy`] judges it; [`access`] says who may read it.
//! - [`cloud`] lists a target; [`publication`] keeps, stores and renders what was listed.
//! - [`config`] is the configuration, [`collection`] the loops that list what it names, [`http`] the answers.
//! - [`process`] and [`command`] are the program around that, [`cli`] its command line.

pub mod access;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod collection;
pub mod command;
pub mod config;
mod form;
pub mod http;
pub mod instruments;
pub mod inventory;
pub mod policy;
pub mod process;
pub mod publication;
