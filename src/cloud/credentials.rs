//! Where access keys come from.
//!
//! A [`Source`], as configured, comes down to a grant: a key that is known, or who is asked for one. The
//! [`Provider`] of an account keeps what it was given and renews it in time.

mod chain;
mod context;
mod decision;
mod ecs_ram_role;
mod environment;
mod error;
mod files;
mod grant;
mod identity;
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
pub use context::Context;
pub use ecs_ram_role::METADATA;
pub use error::{Cause, CredentialsError};
pub use identity::AccountIdError;
pub use oidc::Oidc;
pub use profile::ProfileOf;
pub use provider::{AtHand, Provider};
pub use role::{AssumeRole, DURATION, MIN_DURATION, Role};
pub use source::Source;
pub use static_key::{Secret, StaticKey};
pub use transport::{StsHost, Transport};
pub use uri::CredentialsUri;
pub use variables::Variables;
