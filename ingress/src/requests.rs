//! Computation requests, from admission to outcome.
//!
//! [`Requests::submit`] is the path of every computation over HTTP: alone, in a batch, or under an
//! idempotency key. [`Requests::find`] looks a computation up, and [`Requests::follow`] waits for
//! the end. Both serve the requests of all instances.
//!
//! **Invariants:**
//! - A refused request is not published.
//! - A caller is promised a result only after the event log has confirmed the request.
//! - No waiter outlives the caller.
//! - Postgres is read for past requests, for requests accepted by another instance, and for
//!   idempotency keys. A computation without a key needs no Postgres.

mod attach;
mod error;
mod idempotency;
mod keyed;
mod lag;
mod service;
mod submit;
mod watcher;

pub(crate) use error::{Error, FailedRequest, unless_failed};
pub(crate) use idempotency::{
    Deliveries, EventLog, Idempotency, IdempotencyConfig, RequestScanner, report_deliveries,
    search_event_log,
};
pub(crate) use lag::Lag;
pub(crate) use service::{RequestExchange, Requests};
pub(crate) use submit::{ComputationRequest, Outcome, Submission, SubmitOptions};
pub(crate) use watcher::watch;
