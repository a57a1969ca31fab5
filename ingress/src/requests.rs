//! Requests for computations, from the admission to the outcome.
//!
//! [`Requests::submit`] is the one path of every computation that comes over HTTP: alone, in a batch, or under an
//! idempotency key. [`Requests::find`] and [`Requests::follow`] look a computation up and wait for its end, whichever
//! instance accepted it.
//!
//! **Invariants:** a refused request is not published; a request is promised only if the event log has confirmed it;
//! no waiter outlives its caller; Postgres is asked for past requests, for requests that another instance accepted,
//! and for idempotency keys, and never to compute without a key.

mod attach;
mod error;
mod idempotency;
mod keyed;
mod lag;
mod service;
mod submit;
mod watcher;

pub(crate) use error::{Error, FailedRequest, unless_failed};
pub(crate) use idempotency::{Deliveries, Idempotency, IdempotencyConfig, report_deliveries};
pub(crate) use lag::Lag;
pub(crate) use service::{RequestExchange, Requests};
pub(crate) use submit::{ComputationRequest, Outcome, Submission, SubmitOptions};
pub(crate) use watcher::watch;
