//! Rows of the request log, made from events.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use abacus_schemas::{ComputeCompleted, ComputeRequested, ContentDigest, Outcome};
use uuid::Uuid;

use crate::append_time::bounded;
use crate::authorship::Authorship;
use crate::storable::Storable;

/// Failure of a request without room in the completion.
const RECORD_TOO_LARGE: &str = "record-too-large";

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

    /// Returns `true` if this row takes the place of an earlier row with its key.
    fn outranks(&self, earlier: &Self) -> bool;
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
    pub(crate) authorship: Authorship,
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
    /// Digest of the repeated request; `None` for a completion without room for its request, by a
    /// processor of an earlier version.
    pub(crate) content: Option<ContentDigest>,
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
        authorship: Authorship,
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
            source: storable.text(authorship.source(event.source)),
            authorship,
            requested_at,
            recorded_at: bounded(requested_at, origin.appended_at, tolerance),
            origin,
            altered: storable.altered,
        })
    }

    /// Returns the time of the request by the clock of an ingress, or by the clock of an unknown
    /// producer up to the append time.
    pub(crate) fn time_in_log(&self) -> SystemTime {
        if self.authorship.is_signed() {
            return self.recorded_at;
        }
        self.recorded_at.min(self.origin.appended_at)
    }
}

impl CompletedRow {
    /// Returns the row of `event`. `digest` is the digest in the headers of a completion without room
    /// for its request.
    pub(crate) fn new(
        event: ComputeCompleted,
        origin: Origin,
        digest: Option<&[u8]>,
    ) -> Result<Self, uuid::Error> {
        let mut storable = Storable::default();
        Ok(Self {
            content: content(&event, digest),
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

    /// Returns the digest as in the column: empty for none.
    pub(crate) fn content_bytes(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], ContentDigest::as_bytes)
    }
}

/// Returns the digest of the request of a completion.
fn content(event: &ComputeCompleted, digest: Option<&[u8]>) -> Option<ContentDigest> {
    if let Outcome::Failed { code, .. } = &event.outcome
        && code == RECORD_TOO_LARGE
        && event.operands.is_empty()
    {
        return digest.and_then(ContentDigest::from_bytes);
    }
    let (operation, operands) = (&event.operation, &event.operands);
    Some(ContentDigest::new(operation, operands, event.requester.as_deref(), &event.source))
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

    /// Compares the requests as written: two requests may have one row in the log, and a request with
    /// and without a signature may have two.
    fn agrees_with(&self, other: &Self) -> bool {
        self.content == other.content
    }

    /// A request of an ingress outranks the request of any producer with an equal id.
    fn outranks(&self, earlier: &Self) -> bool {
        self.authorship.is_signed() && !earlier.authorship.is_signed()
    }
}

impl Row for CompletedRow {
    type Key = (Uuid, Option<ContentDigest>);

    fn key(&self) -> Self::Key {
        (self.request_id, self.content)
    }

    fn request_id(&self) -> Uuid {
        self.request_id
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.outcome == other.outcome
    }

    fn outranks(&self, _earlier: &Self) -> bool {
        false
    }
}
