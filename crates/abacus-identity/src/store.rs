//! Accounts, keys, revocations and the audit log in Postgres.
//!
//! **Invariants:** a change, the revocation and the audit row are written in a single transaction. After the first
//! administrator, there is always an administrator: a lock makes changes of administrators take turns.

mod administration;
mod audit_log;
mod connection;
mod keys;
mod revoke;
mod users;

pub use administration::{AccountChange, AccountEntry};
pub use audit_log::AuditEntry;
pub use keys::ApiKeyEntry;

pub(crate) use connection::Store;
pub(crate) use users::{Account, NewAccount, RegistrationGrant};
