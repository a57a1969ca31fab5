//! The HTTP side of Abacus: takes requests, publishes them as `ComputeRequested`, waits for the
//! reply and answers. It computes nothing and keeps nothing.
//!
//! A request is read ([`compute`], [`batch`], [`body`], [`call`]), checked by the same rules as the
//! processor uses, let in, and exchanged for a reply over Kafka ([`submit`], [`exchange`]): a waiter is
//! registered ([`waiters`]), then the record is sent ([`publisher`]); the reply comes in on a thread of
//! its own ([`replies`]) and is given in the form that was asked for ([`results`]). What takes longer
//! than the caller waits is promised, and found again from any instance ([`lookup`], [`events`],
//! [`attach`], [`watcher`]). Under an idempotency key it is computed once ([`idempotency`]). Everything
//! that goes wrong is one [`error::Error`] and one problem document.
//!
//! **Invariants:** nothing invalid is published; nothing is promised that the event log has not
//! confirmed; no waiter outlives its HTTP request; Postgres is needed for what is past, for what
//! another instance accepted, and for keys, and never to compute without one.
//!
//! The routes come from the registry of operations: a new operation changes nothing here.

// The modules are private, and their map above is for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

mod accept;
mod app;
mod attach;
mod attached;
mod batch;
mod body;
mod call;
mod catalog;
mod computation;
mod compute;
mod config;
mod docs;
mod error;
mod events;
mod exchange;
mod history;
mod idempotency;
mod identity;
mod lag;
mod lookup;
mod metrics;
mod prefer;
mod problem;
mod protection;
mod publisher;
mod recent;
mod replies;
mod request_log;
mod results;
mod routes;
mod server;
mod state;
mod structured;
mod submit;
mod traceparent;
mod waiter;
mod waiters;
mod watcher;

pub use app::start;
pub use config::IngressConfig;
