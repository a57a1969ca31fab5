//! Rows of the request log, made from events.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use abacus_schemas::{ComputeCompleted, ComputeRequested, Outcome};
use uuid::Uuid;

use crate::append_time::bounded;
use crate::content::ContentDigest;
use crate::storable::Storable;

/// Position and append time of the event of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Time at which Kafka appended the event.
    pub(crate) appended_at: SystemTime,
}

/// A row of one of the two tables.
pub(crate) trait Row {
    /// Key of the table.
    type Key: Copy + Eq + Hash;

    fn key(&self) -> Self::Key;

    fn request_id(&self) -> Uuid;

    /// Returns `true` if both rows have equal content. Columns that differ between repetitions of
    /// a request, for example times, do not count.
    fn agrees_with(&self, other: &Self) -> bool;
}

/// A row of `compute_requested`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RequestedRow {
    pub(crate) request_id: Uuid,
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
    pub(crate) requester: Option<String>,
    pub(crate) source: String,
    /// Time of the request, as its producer claims.
    pub(crate) requested_at: SystemTime,
    /// Time of the request, within a tolerance of the append time.
    pub(crate) recorded_at: SystemTime,
    /// Digest of the request before any change of a value.
    pub(crate) content: ContentDigest,
    pub(crate) origin: Origin,
    /// `true` if a value was changed because Postgres cannot hold it.
    pub(crate) altered: bool,
}

/// A row of `compute_completed`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompletedRow {
    pub(crate) request_id: Uuid,
    pub(crate) outcome: OutcomeColumns,
    pub(crate) completed_at: SystemTime,
    pub(crate) compute_micros: i64,
    pub(crate) cache: &'static str,
    pub(crate) processor: String,
    /// Digest of the request that the completion repeats.
    pub(crate) content: ContentDigest,
    pub(crate) origin: Origin,
    /// `true` if a value was changed because Postgres cannot hold it.
    pub(crate) altered: bool,
}

/// Columns of a completion for its outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutcomeColumns {
    pub(crate) status: &'static str,
    pub(crate) result: Option<String>,
    pub(crate) digits: Option<i64>,
    pub(crate) bits: Option<i64>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
}

impl RequestedRow {
    /// Returns the row of `event`. The recorded time is at most `tolerance` away from the append
    /// time.
    pub(crate) fn new(
        event: ComputeRequested,
        origin: Origin,
        tolerance: Duration,
    ) -> Result<Self, uuid::Error> {
        let mut storable = Storable::default();
        let requested_at = storable.time(event.requested_at);
        let content = ContentDigest::new(
            &event.operation,
            &event.operands,
            event.requester.as_deref(),
            &event.source,
        );
        Ok(Self {
            content,
            request_id: Uuid::parse_str(&event.request_id)?,
            operation: storable.text(event.operation),
            operands: storable.texts(event.operands),
            requester: event.requester.map(|requester| storable.indexed_text(requester)),
            source: storable.text(event.source),
            requested_at,
            recorded_at: bounded(requested_at, origin.appended_at, tolerance),
            origin,
            altered: storable.altered,
        })
    }

    /// Returns the time of the request, never after its append time.
    pub(crate) fn time_in_log(&self) -> SystemTime {
        self.recorded_at.min(self.origin.appended_at)
    }
}

impl CompletedRow {
    pub(crate) fn new(event: ComputeCompleted, origin: Origin) -> Result<Self, uuid::Error> {
        let mut storable = Storable::default();
        let content = ContentDigest::new(
            &event.operation,
            &event.operands,
            event.requester.as_deref(),
            &event.source,
        );
        Ok(Self {
            content,
            request_id: Uuid::parse_str(&event.request_id)?,
            outcome: OutcomeColumns::new(event.outcome, &mut storable),
            completed_at: storable.rfc3339_time(event.completed_at),
            compute_micros: event.compute_micros,
            cache: event.cache.as_str(),
            processor: storable.text(event.processor),
            origin,
            altered: storable.altered,
        })
    }
}

impl OutcomeColumns {
    fn new(outcome: Outcome, storable: &mut Storable) -> Self {
        match outcome {
            Outcome::Succeeded { result, digits, bits } => Self {
                status: "succeeded",
                result: Some(storable.text(result)),
                digits: Some(digits),
                bits: Some(bits),
                ..Self::default()
            },
            Outcome::Failed { code, message } => Self {
                status: "failed",
                error_code: Some(storable.text(code)),
                error_message: Some(storable.text(message)),
                ..Self::default()
            },
        }
    }
}

impl Row for RequestedRow {
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.request_id
    }

    fn request_id(&self) -> Uuid {
        self.request_id
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.operation == other.operation
            && self.operands == other.operands
            && self.requester == other.requester
            && self.source == other.source
    }
}

impl Row for CompletedRow {
    type Key = (Uuid, ContentDigest);

    fn key(&self) -> (Uuid, ContentDigest) {
        (self.request_id, self.content)
    }

    fn request_id(&self) -> Uuid {
        self.request_id
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.outcome == other.outcome
    }
}
