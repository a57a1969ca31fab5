//! The HTTP side of Abacus: takes requests, publishes them as `ComputeRequested`, waits for the
//! reply and answers. It computes nothing and keeps nothing.
//!
//! A request is read ([`request`]), checked by the same rules as the processor uses, let in
//! ([`protection`]) and exchanged for a reply over Kafka ([`compute`], [`exchange`]): a waiter is
//! registered ([`exchange::waiters`]), then the record is sent ([`exchange::publisher`]); the reply comes
//! in on a thread of its own ([`exchange::replies`]) and is given in the form that was asked for
//! ([`results`]). What takes longer than the caller waits is promised, and found again from any instance
//! ([`computations`]), or in lists ([`history`]). Under an idempotency key it is computed once
//! ([`idempotency`]). Who asks is told by [`identity`]. Everything that goes wrong is one
//! [`error::Error`] and one problem document ([`problem`]), and the whole is described by itself ([`docs`]).
//!
//! **Invariants:** nothing invalid is published; nothing is promised that the event log has not
//! confirmed; no waiter outlives its HTTP request; Postgres is needed for what is past, for what
//! another instance accepted, and for keys, and never to compute without one.
//!
//! The routes come from the registry of operations: a new operation changes nothing here.

// The modules are private, and their map above is for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

mod app;
mod computations;
mod compute;
mod config;
mod docs;
mod error;
mod exchange;
mod history;
mod idempotency;
mod identity;
mod metrics;
mod postgres;
mod problem;
mod protection;
mod request;
mod results;
mod routes;
mod server;
mod state;

pub use app::start;
pub use config::IngressConfig;
