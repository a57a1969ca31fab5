//! A request on its way through the processor.

use abacus_kafka::stream::AckHandle;
use abacus_schemas::headers::{ReplyTo, TraceContext};
use abacus_schemas::{ComputeRequested, Timestamp};

use crate::outcome::JobOutcome;
use crate::repeats::Recurrence;

/// A request to answer.
pub(crate) struct Job {
    pub(crate) request: ComputeRequested,
    pub(crate) context: RecordContext,
    /// Relation to the earlier records of the partition.
    pub(crate) recurrence: Recurrence,
    /// The outcome, if another job's computation has given it.
    pub(crate) outcome: Option<JobOutcome>,
}

/// Headers, position and ack handle of a request's record.
pub(crate) struct RecordContext {
    pub(crate) reply_to: Option<ReplyTo>,
    /// Time at which the caller stops waiting, in milliseconds since the Unix epoch.
    pub(crate) deadline_ms: Option<i64>,
    /// The caller's trace context, forwarded unchanged.
    pub(crate) trace: Option<Trace>,
    /// The main lane has recognised the request as a repeat.
    pub(crate) is_marked_repeat: bool,
    /// Partition of the request. The completion goes to the partition with this number.
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) ack: AckHandle,
}

/// A copy of a trace context.
pub(crate) struct Trace {
    traceparent: Box<[u8]>,
    tracestate: Option<Box<[u8]>>,
}

impl From<TraceContext<'_>> for Trace {
    fn from(context: TraceContext<'_>) -> Self {
        Self {
            traceparent: context.traceparent().into(),
            tracestate: context.tracestate().map(Box::from),
        }
    }
}

impl Trace {
    pub(crate) fn context(&self) -> Option<TraceContext<'_>> {
        TraceContext::new(&self.traceparent, self.tracestate.as_deref())
    }
}

impl Job {
    /// True once the caller's deadline has passed.
    pub(crate) fn is_expired(&self) -> bool {
        let is_over = |deadline_ms| deadline_ms < Timestamp::now().as_micros() / 1000;
        self.context.deadline_ms.is_some_and(is_over)
    }

    /// True while an answer is of use: the partition is still assigned here, and the deadline has not
    /// passed.
    pub(crate) fn is_wanted(&self) -> bool {
        self.context.ack.is_current() && !self.is_expired()
    }
}
