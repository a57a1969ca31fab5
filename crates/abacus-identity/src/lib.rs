#![doc = include_str!("../README.md")]

mod accounts;
mod api_key;
mod api_keys;
mod audit;
mod bootstrap;
mod caller;
mod config;
mod credentials;
mod deadline;
mod error;
mod feed;
mod housekeeping;
mod identity;
mod key_ring;
mod metrics;
mod name;
mod password;
mod revocations;
mod store;
mod tokens;

pub use accounts::{CreatedKey, Registration, SignedIn};
pub use audit::ActOutcome;
pub use caller::{Caller, Credential, Role, User};
pub use config::{IdentityConfig, RegistrationPolicy};
pub use credentials::Credentials;
pub use error::{CredentialFault, Error};
pub use feed::LONG_TIMEOUT as FEED_TIMEOUT;
pub use identity::{Identity, Pools};
pub use metrics::Metrics;
pub use name::UserName;
pub use password::Password;
pub use store::{AccountChange, AccountEntry, ApiKeyEntry, AuditEntry};
pub use tokens::Session;
