//! What every handler has at hand.

use std::sync::Arc;

use abacus_operations::Limits;
use abacus_runtime::Shutdown;
use axum::body::Bytes;

use crate::computations::lag::Lag;
use crate::computations::request_log::RequestLog;
use crate::exchange::Exchange;
use crate::idempotency::Idempotency;
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::protection::Protection;

/// The state as the router hands it out.
pub(crate) type Shared = Arc<AppState>;

/// Shared by all handlers.
pub(crate) struct AppState {
    pub(crate) identity: Identity,
    pub(crate) protection: Protection,
    pub(crate) exchange: Exchange,
    pub(crate) idempotency: Idempotency,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) lag: Arc<Lag>,
    pub(crate) limits: Limits,
    /// The largest body, in bytes.
    pub(crate) max_body: u64,
    /// The answer of `GET /v1/operations`, written once.
    pub(crate) catalog: Bytes,
    pub(crate) metrics: Metrics,
    /// Requested once the process is about to stop.
    pub(crate) stopping: Shutdown,
}
