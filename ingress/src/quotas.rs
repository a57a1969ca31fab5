//! Limits of callers: the policies of the ingress, enforced by the rate limits and permits of
//! `abacus-quota`.
//!
//! A computation takes a permit and cost units before any work ([`Quotas::admit`]). The request's
//! [`Ledger`] holds the charges. The answer tells the remaining quotas, and counts as memory until
//! written.
//!
//! **Invariants:** a refused request has cost no work, and the caller is told when to try again. No
//! request waits for Redis longer than the store's time limit. All memory per caller is bounded.

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
