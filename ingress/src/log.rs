//! Postgres as the ingress uses it: the request log, which the projector writes, and the table of idempotency
//! keys, which the ingress writes.
//!
//! All SQL of the ingress stands here. Rows become types of this module ([`record`], [`list`]); how callers
//! see a request is decided elsewhere.
//!
//! **Invariants:** the pools connect on first use; every question has a time limit, connecting included; and
//! computing without an idempotency key asks nothing here.

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
    DELETED_AT_ONCE, IdempotencyKeys, KEY_TIMEOUT, KeyClaim, KeyEntry, KeyError,
};
pub(crate) use list::{Filter, ListPage, ListedRequest};
pub(crate) use pool::pool;
pub(crate) use record::{ComputationFailure, LoggedRequest, Status};
pub(crate) use request_log::RequestLog;
