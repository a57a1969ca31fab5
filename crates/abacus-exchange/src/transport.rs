//! The seam between the exchange and the event log.

use abacus_schemas::headers::TraceContext;
use uuid::Uuid;

use crate::error::Error;

/// Publishes requests: [`Publisher`](crate::Publisher) to Kafka, [`Loopback`](crate::Loopback) in
/// memory.
pub trait Transport<Q>: Send + Sync {
    /// Returns false while the event log is known to be unreachable.
    fn is_reachable(&self) -> bool;

    /// Hands a request over for writing to `partition`, or to a partition that the transport
    /// chooses. The delivery is reported to the waiters.
    fn publish(
        &self,
        id: Uuid,
        request: &Q,
        trace: Option<TraceContext<'_>>,
        partition: Option<i32>,
    ) -> Result<(), Error>;
}
