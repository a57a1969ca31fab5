//! The ingress of Abacus: receives requests over HTTP, publishes them as `ComputeRequested`, waits
//! for the reply, and answers. The ingress computes nothing. Its only state is its memory of
//! requests in flight and of recent replies; it writes accounts and idempotency keys to Postgres.
//!
//! Modules, from the bottom up: [`log`] has all SQL on the request log and the idempotency keys;
//! [`representation`] gives a computation its form; [`quotas`] limits callers; [`requests`] is the
//! path of a computation; [`problems`] is the table of all errors; [`api`] has routes and handlers.
//! `abacus-http`, `abacus-identity`, `abacus-quota` and `abacus-exchange` know nothing of each
//! other; this crate connects them.
//!
//! **Invariants:** an invalid request is not published; a request is promised only if the event log
//! has confirmed it; no waiter outlives its HTTP request; Postgres is asked for past requests, for
//! requests that another instance accepted, and for idempotency keys, and never to compute without
//! a key.

// The modules are private; the links above are for readers of the source.
#![allow(rustdoc::private_intra_doc_links)]

mod api;
mod app;
mod config;
mod log;
mod metrics;
mod problems;
mod quotas;
mod representation;
mod requests;

pub use app::start;
pub use config::IngressConfig;
