//! One request on its way through the processor.

use abacus_kafka::stream::Ticket;
use abacus_schemas::ComputeRequested;
use abacus_schemas::headers::ReplyTo;

/// A request to answer.
pub(crate) struct Job {
    pub(crate) request: ComputeRequested,
    pub(crate) envelope: Envelope,
}

/// What came with a request beside its content: who waits, and the duty to finish it.
pub(crate) struct Envelope {
    pub(crate) reply_to: Option<ReplyTo>,
    /// When the caller stops waiting: milliseconds since the Unix epoch.
    pub(crate) deadline_ms: Option<i64>,
    /// The request's partition; its completion goes to the one of the same number.
    pub(crate) partition: i32,
    pub(crate) ticket: Ticket,
}
