//! The answers over HTTP: a server, what is asked of it, and a file for each answer.

mod answer;
mod changes;
mod kept_pages;
mod landing;
mod metrics;
mod negotiation;
mod query;
mod reload;
mod route;
mod server;
mod site;
mod tags;

pub use kept_pages::Pages;
pub use server::serve;
pub use site::Site;
