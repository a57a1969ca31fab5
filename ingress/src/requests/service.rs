//! The service behind all requests for computations, and its components.

use std::sync::Arc;
use std::time::Duration;

use abacus_exchange::{Exchange, Publisher};
use abacus_operations::Limits;
use abacus_schemas::{ComputeCompleted, ComputeRequested};

use super::idempotency::Idempotency;
use super::lag::Lag;
use crate::log::{LoggedRequest, RequestLog};
use crate::metrics::Metrics;
use crate::quotas::Quotas;

/// Request-reply over Kafka with the events of Abacus. An outcome may also come from the request
/// log.
pub(crate) type RequestExchange =
    Exchange<ComputeRequested, ComputeCompleted, LoggedRequest, Publisher<ComputeRequested>>;

/// Submits computations to the event log, and finds earlier computations.
pub(crate) struct Requests {
    pub(crate) exchange: Arc<RequestExchange>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) idempotency: Idempotency,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) lag: Arc<Lag>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
}

impl Requests {
    /// Returns the longest wait of a caller, also the default wait.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.exchange.wait
    }
}
