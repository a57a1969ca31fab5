//! Turns records into jobs or dead letters, on the polling thread.

mod breaker;
mod examination;
mod logs;
mod schema_lookups;

use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_kafka::stream::{AckHandle, Handler};
use abacus_kafka::{InboundRecord, UnreadableBatch};
use abacus_registry::{Error, SchemaRegistry};
use abacus_runtime::ReadinessGate;
use abacus_schemas::headers::{REPEAT, ReplyTo, TraceContext, deadline_ms};
use abacus_schemas::{ComputeRequested, DecodeError, Decoder, SchemaId};
use tokio::runtime::Handle;
use uuid::Uuid;

pub(crate) use self::breaker::IntakeBreaker;
use self::breaker::UnreadableRecord;
use self::logs::Logs;
pub(crate) use self::schema_lookups::SchemaLookups;
use self::schema_lookups::WaitingRecord;
use crate::dead_letter::{Class, OriginalRecord};
use crate::job::{RecordContext, Trace};
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::responder::Responder;
use crate::workers::Queue;

/// Largest header value of a record above the limit that is looked at, in bytes.
const MAX_KEPT_HEADER: usize = 1 << 10;

/// Pause before the registry is asked again.
const REGISTRY_RETRY: Duration = Duration::from_secs(1);

/// The record handler of a lane.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) lane: Lane,
    pub(crate) topic: Arc<str>,
    pub(crate) decoder: Arc<Decoder<ComputeRequested>>,
    pub(crate) registry: Arc<SchemaRegistry>,
    pub(crate) schema_lookups: SchemaLookups,
    pub(crate) responder: Arc<Responder>,
    pub(crate) queue: Queue,
    pub(crate) breaker: Arc<IntakeBreaker>,
    /// Not ready while the breaker is open.
    pub(crate) readiness: ReadinessGate,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
    /// Largest record, with its key and headers, in bytes.
    pub(crate) max_record_bytes: usize,
    pub(crate) logs: Arc<Logs>,
}

impl Handler for Intake {
    fn is_accepting(&self) -> bool {
        !self.breaker.is_open()
    }

    fn on_unreadable(&self, batch: &UnreadableBatch, ack: AckHandle) {
        self.responder.dead_letter_unreadable(batch, ack);
    }

    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        let headers = record.headers();
        let size = size(record, headers.as_deref().unwrap_or_default());
        if size > self.max_record_bytes {
            return self.refuse_size(record, size, ack);
        }
        let context = self.context(record, headers.as_deref().unwrap_or_default(), ack);
        let read = match headers {
            Ok(_) => self.read(record.payload()),
            Err(error) => Err(DecodeFailure::Permanent(Class::Malformed, error.to_string())),
        };
        match read {
            Ok(request) => self.accept(request, context),
            Err(DecodeFailure::NeedsSchema(id)) => {
                self.look_up(id, WaitingRecord { original: OriginalRecord::of(record), context });
            }
            Err(DecodeFailure::Permanent(class, reason)) => {
                let original = OriginalRecord::of(record);
                self.dead_letter(UnreadableRecord { original, context, class, reason });
            }
        }
    }
}

enum DecodeFailure {
    /// The record can be decoded once this schema is fetched.
    NeedsSchema(SchemaId),
    /// The record becomes a dead letter of this class, for this reason.
    Permanent(Class, String),
}

impl Intake {
    fn accept(&self, request: ComputeRequested, context: RecordContext) {
        self.breaker.note_readable();
        self.queue.push(request, context);
    }

    /// Makes a record a dead letter without a copy of its content. Large headers are ignored: the
    /// other headers can name a caller who waits.
    fn refuse_size(&self, record: &InboundRecord<'_>, size: usize, ack: AckHandle) {
        let mut headers = record.headers().unwrap_or_default();
        headers.retain(|(_, value)| value.is_none_or(|value| value.len() <= MAX_KEPT_HEADER));
        let context = self.context(record, &headers, ack);
        let reason = format!("the record's {size} bytes exceed {}", self.max_record_bytes);
        let original = OriginalRecord::without_content(record);
        self.dead_letter(UnreadableRecord { original, context, class: Class::TooLarge, reason });
    }

    fn context(
        &self,
        record: &InboundRecord<'_>,
        headers: &[(&str, Option<&[u8]>)],
        ack: AckHandle,
    ) -> RecordContext {
        let reply_to = ReplyTo::from_headers(headers.iter().copied()).unwrap_or_else(|error| {
            if let Some(records) = self.logs.reply_headers.due(Instant::now()) {
                tracing::warn!(kafka.offset = record.offset(), error = %error, records, "invalid reply headers; no reply");
            }
            self.metrics.replies.with_label_values(&["invalid"]).inc();
            None
        });
        RecordContext {
            reply_to,
            deadline_ms: deadline_ms(headers.iter().copied()),
            trace: TraceContext::from_headers(headers.iter().copied()).map(Trace::from),
            is_marked_repeat: self.lane == Lane::Heavy
                && headers.iter().any(|(name, _)| *name == REPEAT),
            partition: record.partition(),
            offset: record.offset(),
            ack,
        }
    }

    fn read(&self, payload: &[u8]) -> Result<ComputeRequested, DecodeFailure> {
        let request = self.decoder.decode(payload).map_err(|error| match error {
            DecodeError::UnknownSchema(id) => DecodeFailure::NeedsSchema(id),
            DecodeError::Malformed(reason) => DecodeFailure::Permanent(Class::Malformed, reason),
            DecodeError::TooLarge(reason) => DecodeFailure::Permanent(Class::TooLarge, reason),
        })?;
        if Uuid::try_parse(&request.request_id).is_err() {
            let reason = "request_id is not a UUID".to_owned();
            return Err(DecodeFailure::Permanent(Class::InvalidRequestId, reason));
        }
        Ok(request)
    }

    /// Queues a record until its schema is fetched. The fetch runs outside the polling thread. During
    /// an outage of the registry the record waits, and delays the commits of its partition.
    fn look_up(&self, id: SchemaId, waiting: WaitingRecord) {
        if !self.schema_lookups.add(id, waiting) {
            return;
        }
        let intake = self.clone();
        self.runtime.spawn(async move {
            let found = intake.fetch(id).await;
            for waiting in intake.schema_lookups.take(id) {
                intake.resume(id, waiting, &found);
            }
        });
    }

    async fn fetch(&self, id: SchemaId) -> Result<(), Error> {
        loop {
            match self.registry.resolve_on(&self.topic, &self.decoder, id).await {
                Err(error) if error.is_transient() || error.is_not_registered() => {
                    self.log_failure(id, &error);
                    self.schema_lookups.drop_stale(id);
                    tokio::time::sleep(REGISTRY_RETRY).await;
                }
                result => return result,
            }
        }
    }

    /// Continues a waiting record after the fetch of its schema.
    fn resume(&self, id: SchemaId, waiting: WaitingRecord, found: &Result<(), Error>) {
        let WaitingRecord { original, context } = waiting;
        if !context.ack.is_current() {
            return;
        }
        let read = match found {
            Ok(()) => self.read(original.payload()),
            Err(error) => Err(DecodeFailure::Permanent(Class::UnknownSchema, error.to_string())),
        };
        let (class, reason) = match read {
            Ok(request) => return self.accept(request, context),
            Err(DecodeFailure::NeedsSchema(_)) => {
                (Class::UnknownSchema, format!("schema {id} was fetched and is still unknown"))
            }
            Err(DecodeFailure::Permanent(class, reason)) => (class, reason),
        };
        self.dead_letter(UnreadableRecord { original, context, class, reason });
    }

    fn log_failure(&self, id: SchemaId, error: &Error) {
        if let Some(attempts) = self.logs.registry.due(Instant::now()) {
            let cause = error as &dyn std::error::Error;
            tracing::warn!(error = cause, schema.id = %id, attempts, "{error}; trying again");
        }
    }
}

/// Returns the size of a record with its key and headers, in bytes.
fn size(record: &InboundRecord<'_>, headers: &[(&str, Option<&[u8]>)]) -> usize {
    let headers = headers.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len));
    record.key().len() + record.payload().len() + headers.sum::<usize>()
}
