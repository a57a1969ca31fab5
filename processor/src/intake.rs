//! The way in, on the polling thread: bytes to jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use abacus_kafka::InboundRecord;
use abacus_kafka::stream::{Handler, Ticket};
use abacus_registry::SchemaRegistry;
use abacus_runtime::ReadinessGate;
use abacus_schemas::headers::{ReplyTo, deadline_ms};
use abacus_schemas::{ComputeRequested, DecodeError, Decoder, SchemaId};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::answering::Answering;
use crate::dead_letter::{Class, LetterCount, Original};
use crate::job::{Envelope, Job};
use crate::metrics::Metrics;
use crate::workers::Queue;

/// How long to wait before the registry is asked again.
const REGISTRY_RETRY: Duration = Duration::from_secs(1);

/// Makes jobs of records.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) decoder: Arc<Decoder<ComputeRequested>>,
    pub(crate) registry: Arc<SchemaRegistry>,
    pub(crate) answering: Arc<Answering>,
    pub(crate) queue: Queue,
    pub(crate) brake: Arc<Brake>,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
}

/// Stops the intake when too much of it cannot be read. Only a restart releases it: a person has to
/// look first.
pub(crate) struct Brake {
    letters: LetterCount,
    is_pulled: AtomicBool,
    readable: ReadinessGate,
}

impl Brake {
    pub(crate) fn new(letters: LetterCount, readable: ReadinessGate) -> Self {
        readable.ready();
        Self { letters, is_pulled: AtomicBool::new(false), readable }
    }

    fn note_letter(&self) {
        let Some(reason) = self.letters.note_letter() else { return };
        if !self.is_pulled.swap(true, Ordering::AcqRel) {
            tracing::error!(
                "{reason}: no more are taken. Look at the dead letters, mend what writes them, then \
                 restart; ABACUS_DEAD_LETTER_CONSECUTIVE and ABACUS_DEAD_LETTER_PERCENT set the limits"
            );
        }
        self.readable.not_ready(&reason);
    }
}

impl Handler for Intake {
    fn is_accepting(&self) -> bool {
        !self.brake.is_pulled.load(Ordering::Acquire)
    }

    fn on_record(&self, record: &InboundRecord<'_>, ticket: Ticket) {
        let headers = record.headers();
        let envelope = self.envelope(record, headers.as_deref().unwrap_or_default(), ticket);
        let read = match headers {
            Ok(_) => self.read(record.payload()),
            Err(error) => Err(Unread::Never(Class::Malformed, error.to_string())),
        };
        match read {
            Ok(request) => self.accept(request, envelope),
            Err(Unread::NeedsSchema(id)) => self.look_up(id, Original::of(record), envelope),
            Err(Unread::Never(class, reason)) => {
                self.put_aside(Original::of(record), envelope, class, &reason);
            }
        }
    }
}

enum Unread {
    /// Readable once this schema has been fetched.
    NeedsSchema(SchemaId),
    Never(Class, String),
}

impl Intake {
    fn accept(&self, request: ComputeRequested, envelope: Envelope) {
        self.brake.letters.note_readable();
        self.queue.push(Job::new(request, envelope));
    }

    fn put_aside(&self, original: Original, envelope: Envelope, class: Class, reason: &str) {
        self.answering.bury(original, envelope, class, reason);
        self.brake.note_letter();
    }

    fn envelope(
        &self,
        record: &InboundRecord<'_>,
        headers: &[(&str, Option<&[u8]>)],
        ticket: Ticket,
    ) -> Envelope {
        let reply_to = ReplyTo::from_headers(headers.iter().copied()).unwrap_or_else(|error| {
            tracing::warn!(kafka.offset = record.offset(), error = %error, "no reply");
            self.metrics.replies.with_label_values(&["invalid"]).inc();
            None
        });
        let deadline_ms = deadline_ms(headers.iter().copied());
        Envelope { reply_to, deadline_ms, partition: record.partition(), ticket }
    }

    fn read(&self, payload: &[u8]) -> Result<ComputeRequested, Unread> {
        let request = self.decoder.decode(payload).map_err(|error| match error {
            DecodeError::UnknownSchema(id) => Unread::NeedsSchema(id),
            DecodeError::Malformed(reason) => Unread::Never(Class::Malformed, reason),
        })?;
        if Uuid::try_parse(&request.request_id).is_err() {
            let reason = "request_id is not a UUID".to_owned();
            return Err(Unread::Never(Class::InvalidRequestId, reason));
        }
        Ok(request)
    }

    /// Fetches the schema that a record names, off the polling thread, and takes the record up
    /// again. While the registry is away the record waits, and its partition's commits with it.
    fn look_up(&self, id: SchemaId, original: Original, envelope: Envelope) {
        let intake = self.clone();
        self.runtime.spawn(async move {
            let learned = loop {
                match intake.registry.resolve(&intake.decoder, id).await {
                    Err(error) if error.is_transient() => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "{error}; trying again"
                        );
                        tokio::time::sleep(REGISTRY_RETRY).await;
                    }
                    result => break result,
                }
            };
            let read = match learned {
                Ok(()) => intake.read(original.payload()),
                Err(error) => Err(Unread::Never(Class::UnknownSchema, error.to_string())),
            };
            match read {
                Ok(request) => intake.accept(request, envelope),
                Err(Unread::NeedsSchema(_)) => {
                    let reason = format!("schema {id} was fetched and is still unknown");
                    intake.put_aside(original, envelope, Class::UnknownSchema, &reason);
                }
                Err(Unread::Never(class, reason)) => {
                    intake.put_aside(original, envelope, class, &reason);
                }
            }
        });
    }
}
