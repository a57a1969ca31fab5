//! One request on its way through the processor.

use abacus_kafka::stream::AckHandle;
use abacus_schemas::headers::ReplyTo;
use abacus_schemas::{ComputeRequested, Timestamp};

use crate::responder::JobOutcome;

/// A request to answer.
pub(crate) struct Job {
    pub(crate) request: ComputeRequested,
    pub(crate) context: RecordContext,
    /// The answer, where another's computation gave it.
    pub(crate) outcome: Option<JobOutcome>,
}

/// What came with a request beside its content: who waits, and the duty to finish it.
pub(crate) struct RecordContext {
    pub(crate) reply_to: Option<ReplyTo>,
    /// When the caller stops waiting: milliseconds since the Unix epoch.
    pub(crate) deadline_ms: Option<i64>,
    /// The caller's trace, to be passed on as it is.
    pub(crate) traceparent: Option<Box<[u8]>>,
    /// The request's partition; its completion goes to the one of the same number.
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) ack: AckHandle,
}

impl Job {
    pub(crate) fn new(request: ComputeRequested, context: RecordContext) -> Self {
        Self { request, context, outcome: None }
    }

    /// The caller's deadline has passed.
    pub(crate) fn is_expired(&self) -> bool {
        let is_over = |deadline_ms| deadline_ms < Timestamp::now().as_micros() / 1000;
        self.context.deadline_ms.is_some_and(is_over)
    }

    /// The answer is still of use here: the partition is still ours, and the deadline ahead.
    pub(crate) fn is_wanted(&self) -> bool {
        self.context.ack.is_current() && !self.is_expired()
    }
}
