//! Accounts, keys, revocations and the audit log in Postgres.
//!
//! **Invariants:** a change, its revocation and its audit row are one transaction. Once an administrator exists, one
//! always exists: changes of administrators take turns by a lock.

mod administration;
mod audit_log;
mod connection;
mod keys;
mod revoke;
mod users;

pub use administration::{AccountChange, AccountEntry};
pub use audit_log::AuditEntry;
pub use keys::KeyEntry;

pub(crate) use connection::Store;
pub(crate) use users::{Account, NewAccount, RegistrationGrant};
