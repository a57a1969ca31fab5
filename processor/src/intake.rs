//! The way in, on the polling thread: bytes to jobs.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::InboundRecord;
use abacus_kafka::stream::{Handler, Ticket};
use abacus_registry::SchemaRegistry;
use abacus_schemas::headers::{ReplyTo, deadline_ms};
use abacus_schemas::{ComputeRequested, DecodeError, Decoder, SchemaId};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::answering::Answering;
use crate::dead_letter::{Class, Original};
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
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
}

impl Handler for Intake {
    fn on_record(&self, record: &InboundRecord<'_>, ticket: Ticket) {
        let headers = record.headers();
        let envelope = self.envelope(record, headers.as_deref().unwrap_or_default(), ticket);
        let read = match headers {
            Ok(_) => self.read(record.payload()),
            Err(error) => Err(Unread::Never(Class::Malformed, error.to_string())),
        };
        match read {
            Ok(request) => self.queue.push(Job { request, envelope }),
            Err(Unread::NeedsSchema(id)) => self.look_up(id, Original::of(record), envelope),
            Err(Unread::Never(class, reason)) => {
                self.answering.bury(Original::of(record), envelope, class, &reason);
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
                Ok(request) => intake.queue.push(Job { request, envelope }),
                Err(Unread::NeedsSchema(_)) => {
                    let reason = format!("schema {id} was fetched and is still unknown");
                    intake.answering.bury(original, envelope, Class::UnknownSchema, &reason);
                }
                Err(Unread::Never(class, reason)) => {
                    intake.answering.bury(original, envelope, class, &reason);
                }
            }
        });
    }
}
