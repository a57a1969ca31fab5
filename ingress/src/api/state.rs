//! The state of all handlers.

use std::ops::Deref;
use std::sync::Arc;

use abacus_identity::Identity;
use abacus_runtime::Shutdown;
use axum::body::Bytes;

use super::edge::Edge;
use crate::log::RequestLog;
use crate::metrics::Metrics;
use crate::quotas::Quotas;
use crate::requests::Requests;

/// Components of the service, for all handlers.
pub(crate) struct AppState {
    pub(crate) identity: Identity,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) requests: Requests,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) edge: Edge,
    /// Largest request body, in bytes.
    pub(crate) max_body: u64,
    /// Answer of `GET /v1/operations`, serialized once.
    pub(crate) catalog: Bytes,
    pub(crate) metrics: Metrics,
    /// The shutdown of the process.
    pub(crate) stopping: Shutdown,
}

/// A handle to the state, cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<AppState>);

impl Shared {
    pub(crate) fn new(state: AppState) -> Self {
        Self(Arc::new(state))
    }
}

impl Deref for Shared {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}
