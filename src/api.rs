//! The cloud's RPC API: one call is signed, sent, and decoded or classified.

mod call;
pub mod endpoint;
mod error;
mod exchange;
pub mod sign;

pub use call::{AccessKey, Call, Stamp};
pub use error::{ApiError, ErrorKind};
pub use exchange::{exchange, http_client};
