//! Limits of callers: the policies of the ingress, kept by the rate limits and permits of `abacus-quota`.
//!
//! A computation takes a permit and its cost units before any work ([`Quotas::admit`]). What a request took goes into
//! its [`Ledger`]: the answer tells the remaining quotas, and counts as memory until it is written.
//!
//! **Invariants:** a refused request has cost no work, and its caller is told when to try again; no request waits for
//! Redis longer than the store's time limit; all memory kept by caller is bounded.

mod client;
mod config;
mod error;
mod permit;
mod policies;

pub(crate) use abacus_quota::{Ledger, MemoryPermit, WaitKind, WaitPermit};
pub(crate) use client::Client;
pub(crate) use config::QuotaConfig;
pub(crate) use error::Error;
pub(crate) use permit::{Load, Permit};
pub(crate) use policies::{POLICIES, Quotas};
