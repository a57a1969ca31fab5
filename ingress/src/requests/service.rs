//! The parts that requests for computations go through.

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

/// Request-reply over Kafka with the events of Abacus. News of a request may also come from the request log.
pub(crate) type RequestExchange =
    Exchange<ComputeRequested, ComputeCompleted, LoggedRequest, Publisher<ComputeRequested>>;

/// Computes over the event flow, and finds what was computed.
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
    /// Longest wait of a caller, and the default.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.exchange.wait
    }
}
