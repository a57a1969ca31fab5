//! The way in, on the polling thread: bytes to jobs.

mod brake;
mod look_ups;

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::InboundRecord;
use abacus_kafka::stream::{Handler, Ticket};
use abacus_registry::{Error, SchemaRegistry};
use abacus_schemas::headers::{ReplyTo, deadline_ms, traceparent};
use abacus_schemas::{ComputeRequested, DecodeError, Decoder, SchemaId};
use tokio::runtime::Handle;
use uuid::Uuid;

pub(crate) use self::brake::Brake;
pub(crate) use self::look_ups::LookUps;
use self::look_ups::Waiting;
use crate::answering::Answering;
use crate::dead_letter::{Class, Original};
use crate::job::{Envelope, Job};
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::workers::Queue;

/// How long to wait before the registry is asked again.
const REGISTRY_RETRY: Duration = Duration::from_secs(1);

/// Makes jobs of a lane's records.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) lane: Lane,
    pub(crate) topic: Arc<str>,
    pub(crate) decoder: Arc<Decoder<ComputeRequested>>,
    pub(crate) registry: Arc<SchemaRegistry>,
    pub(crate) look_ups: LookUps,
    pub(crate) answering: Arc<Answering>,
    pub(crate) queue: Queue,
    pub(crate) brake: Arc<Brake>,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
}

impl Handler for Intake {
    fn is_accepting(&self) -> bool {
        !self.brake.is_pulled()
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
            Err(Unread::NeedsSchema(id)) => {
                self.look_up(id, Waiting { original: Original::of(record), envelope });
            }
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
        self.brake.note_readable();
        self.queue.push(Job::new(request, envelope));
    }

    /// Once the brake is pulled a record is neither put aside nor finished: it is read again after
    /// the restart.
    fn put_aside(&self, original: Original, envelope: Envelope, class: Class, reason: &str) {
        if self.brake.is_pulled() {
            return self.brake.park(envelope);
        }
        let place = (self.lane, envelope.partition, envelope.offset);
        self.answering.bury(original, envelope, class, reason);
        self.brake.note_letter(place);
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
        Envelope {
            reply_to,
            deadline_ms: deadline_ms(headers.iter().copied()),
            traceparent: traceparent(headers.iter().copied()).map(Box::from),
            partition: record.partition(),
            offset: record.offset(),
            ticket,
        }
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

    /// Has the record wait for its schema, which is fetched off the polling thread. While the
    /// registry is away the record waits, and its partition's commits with it.
    fn look_up(&self, id: SchemaId, waiting: Waiting) {
        if !self.look_ups.wait(id, waiting) {
            return;
        }
        let intake = self.clone();
        self.runtime.spawn(async move {
            let found = intake.fetch(id).await;
            for waiting in intake.look_ups.take(id) {
                intake.take_up(id, waiting, &found);
            }
        });
    }

    async fn fetch(&self, id: SchemaId) -> Result<(), Error> {
        loop {
            match self.registry.resolve_on(&self.topic, &self.decoder, id).await {
                Err(error) if error.is_transient() || error.is_not_registered() => {
                    note_failure(id, &error);
                    self.look_ups.forget_stale(id);
                    tokio::time::sleep(REGISTRY_RETRY).await;
                }
                result => return result,
            }
        }
    }

    fn take_up(&self, id: SchemaId, waiting: Waiting, found: &Result<(), Error>) {
        let Waiting { original, envelope } = waiting;
        if !envelope.ticket.is_current() {
            return;
        }
        let read = match found {
            Ok(()) => self.read(original.payload()),
            Err(error) => Err(Unread::Never(Class::UnknownSchema, error.to_string())),
        };
        match read {
            Ok(request) => self.accept(request, envelope),
            Err(Unread::NeedsSchema(_)) => {
                let reason = format!("schema {id} was fetched and is still unknown");
                self.put_aside(original, envelope, Class::UnknownSchema, &reason);
            }
            Err(Unread::Never(class, reason)) => {
                self.put_aside(original, envelope, class, &reason);
            }
        }
    }
}

fn note_failure(id: SchemaId, error: &Error) {
    let cause = error as &dyn std::error::Error;
    tracing::warn!(error = cause, schema.id = %id, "{error}; trying again");
}
