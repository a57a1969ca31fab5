//! The HTTP side of Abacus: takes requests, publishes them as `ComputeRequested`, waits for the
//! reply and answers. It computes nothing and keeps nothing.
//!
//! A request is read ([`compute`], [`body`], [`call`]), checked by the same rules as the processor
//! uses, and exchanged for a reply over Kafka ([`exchange`]): a waiter is registered ([`waiters`]),
//! then the record is sent ([`publisher`]); the reply comes in on a thread of its own
//! ([`replies`]). Everything that goes wrong is one [`error::Error`] and one problem document.
//!
//! **Invariants:** nothing invalid is published; no waiter outlives its HTTP request; Postgres is
//! needed to look up past computations only.
//!
//! The routes come from the registry of operations: a new operation changes nothing here.

// The modules are private, and their map above is for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

mod accept;
mod app;
mod body;
mod call;
mod catalog;
mod computation;
mod compute;
mod config;
mod docs;
mod ended;
mod error;
mod exchange;
mod history;
mod identity;
mod lookup;
mod metrics;
mod problem;
mod protection;
mod publisher;
mod replies;
mod request_log;
mod routes;
mod server;
mod state;
mod traceparent;
mod waiters;

pub use app::start;
pub use config::IngressConfig;
