//! The way of requests to the event log.

use uuid::Uuid;

use crate::error::Error;

/// Publishes requests. [`Publisher`](crate::Publisher) publishes to Kafka; a function serves as a transport in memory.
pub trait Transport<Q>: Send + Sync {
    /// Whether the event log is reachable, as far as known.
    fn is_reachable(&self) -> bool;

    /// Hands a request over for writing. The delivery is reported to the waiters.
    fn publish(&self, id: Uuid, request: &Q, traceparent: Option<&[u8]>) -> Result<(), Error>;
}

impl<Q, F> Transport<Q> for F
where
    F: Fn(Uuid, &Q) -> Result<(), Error> + Send + Sync,
{
    fn is_reachable(&self) -> bool {
        true
    }

    fn publish(&self, id: Uuid, request: &Q, _: Option<&[u8]>) -> Result<(), Error> {
        self(id, request)
    }
}
