//! Tables of the ingress in Postgres: the request log, written by the projector, and the
//! idempotency keys, written by the ingress.
//!
//! This module holds the SQL for both. The SQL for accounts is in `abacus-identity`. Rows become
//! the types of [`record`] and [`list`]; [`crate::representation`] decides how callers see a
//! request.
//!
//! **Invariants:** the pools connect on first use. Every query has a time limit, including the time
//! to connect. A computation without an idempotency key makes no query.

mod cursor;
mod error;
mod idempotency_keys;
mod list;
mod pool;
mod query;
mod record;
mod request_log;

pub(crate) use cursor::Cursor;
pub(crate) use error::Error;
pub(crate) use idempotency_keys::{
    DELETED_AT_ONCE, IdempotencyEntry, IdempotencyKeys, KEY_TIMEOUT, KeyClaim, KeyError,
};
pub(crate) use list::{Filter, ListPage, ListedRequest};
pub(crate) use pool::pool;
pub(crate) use record::{ComputationFailure, LoggedRequest, Status};
pub(crate) use request_log::RequestLog;
