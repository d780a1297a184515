//! The cloud's RPC API: one call is signed, sent, and decoded or classified.

mod call;
pub mod endpoint;
mod error;
mod exchange;
mod half_pairs;
pub mod sign;

pub use call::{AccessKey, Call, Stamp, is_same_secret};
pub use error::{ApiError, ErrorKind, classify, error_code};
pub use exchange::{authority, bounded_body, direct_client, exchange, http_client, transport_problem};
pub use half_pairs::NO_CHARACTER;
pub use sign::{Signature, Signer};
