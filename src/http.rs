//! The answers over HTTP: a server, what is asked of it, and a file for each answer.

mod answer;
mod changes;
mod hosts;
mod landing;
mod metrics;
mod negotiation;
mod page_cache;
mod query;
mod reload;
mod responses;
mod route;
mod server;
mod site;
mod tags;

pub use hosts::Hosts;
pub use page_cache::PageCache;
pub use server::serve;
pub use site::Site;
pub use tags::MAX_WRITERS;
