//! Where access keys come from.
//!
//! A [`Source`], as configured, comes down to a grant: a key that is known, or who is asked for one. The
//! [`Provider`] of an account keeps what it was given and renews it in time.

mod chain;
mod context;
mod ecs_ram_role;
mod environment;
mod error;
mod files;
mod grant;
mod ini;
mod oidc;
mod profile;
mod provider;
mod role;
mod session;
mod source;
mod static_key;
mod transport;
mod uri;
pub mod variables;

pub use chain::cli_file;
pub use context::Surroundings;
pub use ecs_ram_role::METADATA;
pub use error::{CredentialsError, Reason};
pub use oidc::Oidc;
pub use profile::ProfileOf;
pub use provider::{AccountIdError, Provider};
pub use role::{DURATION, Role, SHORTEST_DURATION};
pub use source::{Assumed, Source};
pub use static_key::{Secret, StaticKey};
pub use transport::{Reach, StsHost};
pub use uri::CredentialsUri;
pub use variables::Variables;
