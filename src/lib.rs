//! A Prometheus exporter and tag inventory of Alibaba Cloud.
//!
//! A pure core in a ring of I/O. The modules in reading order: a [`catalog`] says how a product is listed; a
//! [`client`] makes signed calls ([`api`]) with [`credentials`]; [`discovery`] turns them into every resource of a
//! target with its tags; an [`inventory`] keeps the last listing that worked; [`diff`] finds what changed, which
//! [`history`] logs; [`policy`] judges; [`snapshot`] is that as JSON; [`exposition`] renders. A [`collector`] a
//! target feeds the [`publisher`], which publishes the whole at once to [`http`]. [`config`], [`parts`], the [`fleet`] of collectors
//! and [`serve`] wire them for the targets of one [`shard`], [`audit`] asks once and reports, [`demo`] runs them
//! against the [`simulator`].

pub mod api;
pub mod audit;
pub mod catalog;
pub mod cli;
pub mod client;
pub mod collector;
pub mod config;
pub mod credentials;
pub mod demo;
pub mod diff;
pub mod discovery;
pub mod exposition;
pub mod fleet;
pub mod history;
pub mod http;
pub mod instruments;
pub mod inventory;
pub mod limits;
pub mod log;
pub mod memory;
pub mod parts;
pub mod policy;
pub mod publisher;
pub mod reload;
pub mod retry;
pub mod serve;
pub mod shard;
pub mod signals;
pub mod simulator;
pub mod snapshot;
pub mod web;
