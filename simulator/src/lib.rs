//! A stand-in for the cloud: a state, strict answers to the listings of its products and to STS, signature checks of
//! its own, the metadata server of an instance, and a credentials URI.
//!
//! A product is data: see [`Product::parse`].
//!
//! The `demo` command and the tests list it as they would list the cloud; only the endpoint differs. It shares no
//! code with the exporter: what both get wrong alike would not be noticed. It is strict where the cloud may be
//! lenient: a parameter it does not know is refused.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use simulator::{AccessKey, Cloud, Region, Resource, State, serve};
//!
//! let cluster = Resource::new("hb-bp1u0639js2h7").with_tags([("owner", "search")]);
//! let mut state = State::new([("cn-hangzhou", Region::new("China (Hangzhou)", [cluster]))]);
//! state.access_keys.insert("testid".to_owned(), AccessKey::long_term("testsecret"));
//!
//! let cloud = Cloud::new(state);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! serve(listener, cloud.clone(), tokio_util::sync::CancellationToken::new()).await;
//! # Ok(())
//! # }
//! ```

mod access_key;
mod cloud;
pub mod demo;
mod error;
mod fault;
mod gateway;
mod local;
mod log;
mod next_token;
mod operations;
mod parameters;
mod product;
mod request;
mod resources;
mod response;
mod server;
mod signature;
mod state;
mod sts;
mod synthetic;

pub use access_key::AccessKey;
pub use cloud::Cloud;
pub use fault::{Fault, FaultRule};
pub use log::{Answered, Recorded, RequestLog};
pub use product::{Product, products};
pub use resources::{Resource, Resources};
pub use server::serve;
pub use state::{AfterRequest, Limits, Region, State};
pub use sts::{Instance, Role, Sts};
pub use synthetic::{add_synthetic, synthetic};
