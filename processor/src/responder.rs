//! Finishes records: sends the reply to the waiting caller, and publishes the completion.
//!
//! The reply has its own producer and does not wait for the completion's transaction. If the process
//! dies in between, the request is computed again with an equal answer, and the second reply finds no
//! waiter.

use std::collections::BTreeMap;
use std::sync::Arc;

use abacus_kafka::stream::AckHandle;
use abacus_kafka::{OutboundRecord, UnreadableBatch};
use abacus_runtime::Shutdown;
use abacus_schemas::headers;
use abacus_schemas::topics::MAX_VALUE_BYTES;
use abacus_schemas::{
    ComputeCompleted, ComputeRequested, ContentDigest, Encoder, Timestamp, Topics,
};
use uuid::Uuid;

use crate::config::ProcessorConfig;
use crate::dead_letter::{Class, OriginalRecord};
use crate::job::{Job, RecordContext, Trace};
use crate::metrics::Metrics;
use crate::outcome::JobOutcome;
use crate::repeats::Recurrence;
use crate::replies::{Answer, Output, Replies};

/// Finishes records with a completion, a forwarded request or a dead letter.
pub(crate) struct Responder {
    encoders: Encoders,
    replies: Replies,
    completed: Arc<str>,
    heavy: Arc<str>,
    dead_letter: Arc<str>,
    processor: String,
    metrics: Metrics,
}

/// Encoders of the published events.
pub(crate) struct Encoders {
    pub(crate) completed: Encoder<ComputeCompleted>,
    pub(crate) heavy: Encoder<ComputeRequested>,
}

impl Responder {
    /// Connects the reply producer. Blocks until the broker answers.
    pub(crate) fn connect(
        config: &ProcessorConfig,
        encoders: Encoders,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let replies = Replies::connect(config, metrics.clone())?;
        ensure_partitions(&replies, &config.topics)?;
        Ok(Self {
            encoders,
            replies,
            completed: config.topics.completed.as_str().into(),
            heavy: config.topics.requested_heavy.as_str().into(),
            dead_letter: config.topics.dead_letter.as_str().into(),
            processor: config.stream.instance.clone(),
            metrics,
        })
    }

    /// Sends the reply, and finishes the record with the completion.
    pub(crate) fn answer(&self, job: Job, outcome: JobOutcome) {
        let label = if outcome.result.is_ok() { "succeeded" } else { "failed" };
        let operation =
            abacus_operations::find(&job.request.operation).map_or("unknown", |o| o.name());
        self.metrics.answered.with_label_values(&[operation, label]).inc();
        let Job { request, context, recurrence, .. } = job;
        let key = request.request_id.clone().into_bytes();
        let (payload, digest) = self.encode(self.completion(request, outcome));
        let output = match recurrence {
            Recurrence::Repeat => Output::Nothing(payload),
            Recurrence::First | Recurrence::Conflict => Output::Completion(OutboundRecord {
                topic: Arc::clone(&self.completed),
                partition: Some(context.partition),
                key,
                payload,
                headers: digest.map(digest_header).into_iter().collect(),
            }),
        };
        self.finish(context, None, output);
    }

    fn finish(&self, context: RecordContext, reply: Option<Vec<u8>>, output: Output) {
        let RecordContext { reply_to: to, deadline_ms, ack, .. } = context;
        self.replies.send(Answer { to, deadline_ms, reply, output, ack });
    }

    /// Finishes the record with a copy of the request for the heavy lane, which answers the request.
    pub(crate) fn forward_to_heavy(&self, job: Job) {
        let payload = self.encode_request(&job.request);
        let key = job.request.request_id.as_bytes();
        let RecordContext { reply_to, deadline_ms, trace, .. } = &job.context;
        let trace = trace.as_ref().and_then(Trace::context);
        let headers = headers::forwarded(reply_to.as_ref(), *deadline_ms, trace);
        let repeat = (job.recurrence == Recurrence::Repeat).then(|| (headers::REPEAT, b"1".into()));
        let headers = headers.chain(repeat);
        let record = OutboundRecord {
            topic: Arc::clone(&self.heavy),
            partition: Some(job.context.partition),
            key: key.to_vec(),
            payload,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        if record.size() > MAX_VALUE_BYTES {
            return self.answer(job, too_large());
        }
        self.metrics.handed_over.inc();
        job.context.ack.finish(Some(record));
    }

    /// Replies with the reason, and finishes the record with a dead letter.
    pub(crate) fn dead_letter(
        &self,
        original: OriginalRecord,
        context: RecordContext,
        class: Class,
        reason: &str,
    ) {
        self.metrics.dead_letters.with_label_values(&[class.as_str()]).inc();
        let reply = context.reply_to.is_some().then(|| {
            let failed = JobOutcome::failed(class.as_str(), reason);
            self.encode(self.completion(unreadable_request(original.key()), failed)).0
        });
        let dead_letter = original.into_dead_letter(&self.dead_letter, class, reason);
        self.finish(context, reply, Output::DeadLetter(dead_letter));
    }

    /// Looks reply topics up until shutdown. Blocks the thread.
    pub(crate) fn look_up_topics(&self, shutdown: &Shutdown) {
        self.replies.look_up_topics(shutdown);
    }

    /// Finishes an unreadable batch with one dead letter, which has the position and the error.
    pub(crate) fn dead_letter_unreadable(&self, batch: &UnreadableBatch, ack: AckHandle) {
        let class = Class::UnreadableBatch;
        self.metrics.dead_letters.with_label_values(&[class.as_str()]).inc();
        let reason = format!("offsets {} to {}: {}", batch.offset, batch.last(), batch.error);
        let original = OriginalRecord::of_unreadable(batch);
        ack.finish(Some(original.into_dead_letter(&self.dead_letter, class, &reason)));
    }

    /// Waits until every reply is written.
    pub(crate) fn flush(&self, timeout: std::time::Duration) -> anyhow::Result<()> {
        self.replies.flush(timeout)
    }

    fn completion(&self, request: ComputeRequested, outcome: JobOutcome) -> ComputeCompleted {
        ComputeCompleted {
            request_id: request.request_id,
            operation: request.operation,
            operands: request.operands,
            requester: request.requester,
            source: request.source,
            requested_at: request.requested_at,
            completed_at: Timestamp::now(),
            compute_micros: outcome.compute_micros,
            cache: outcome.cache,
            outcome: outcome.into_event(),
            processor: self.processor.clone(),
        }
    }

    /// Encodes a completion. Replaces the outcome of an event above the topic's limit by a failure: a
    /// record above the limit would fail every transaction. Returns the digest of the request that
    /// such an event no longer repeats.
    fn encode(&self, mut event: ComputeCompleted) -> (Vec<u8>, Option<ContentDigest>) {
        let bytes = self.encode_any(&event);
        if bytes.len() <= MAX_VALUE_BYTES {
            return (bytes, None);
        }
        let (operation, operands) = (&event.operation, &event.operands);
        let digest =
            ContentDigest::new(operation, operands, event.requester.as_deref(), &event.source);
        let short = |text: &str| text.chars().take(100).collect();
        event.operands.clear();
        event.operation = short(&event.operation);
        event.requester = event.requester.as_deref().map(short);
        event.source = short(&event.source);
        event.outcome = too_large().into_event();
        (self.encode_any(&event), Some(digest))
    }

    #[expect(clippy::expect_used, reason = "the type matches the schema, as tests check")]
    fn encode_any(&self, event: &ComputeCompleted) -> Vec<u8> {
        self.encoders.completed.encode(event).expect("a completion fits its schema")
    }

    #[expect(clippy::expect_used, reason = "the type matches the schema, as tests check")]
    fn encode_request(&self, request: &ComputeRequested) -> Vec<u8> {
        self.encoders.heavy.encode(request).expect("a request fits its schema")
    }
}

/// Checks the partition counts: a completion, and a forwarded request, go to the partition number of
/// the request.
fn ensure_partitions(replies: &Replies, topics: &Topics) -> anyhow::Result<()> {
    let pairs = [
        (&topics.requested, &topics.requested_heavy),
        (&topics.requested_heavy, &topics.completed),
    ];
    for (from, to) in pairs {
        let (needed, partitions) = (replies.partition_count(from)?, replies.partition_count(to)?);
        anyhow::ensure!(
            partitions >= needed,
            "topic {to} has {partitions} partitions but {from} has {needed}: records derived from a \
             request keep its partition number, so add partitions to {to}",
        );
    }
    Ok(())
}

fn digest_header(digest: ContentDigest) -> (String, Vec<u8>) {
    (headers::CONTENT_DIGEST.to_owned(), digest.as_bytes().to_vec())
}

fn too_large() -> JobOutcome {
    let message = format!("request and result together exceed {MAX_VALUE_BYTES} bytes");
    JobOutcome::failed("record-too-large", message)
}

/// A stand-in for an unreadable request, in the reply to its caller. The key of a record is the
/// request id, by the contract of the topic.
fn unreadable_request(key: &[u8]) -> ComputeRequested {
    let request_id = std::str::from_utf8(key).ok().filter(|key| Uuid::try_parse(key).is_ok());
    ComputeRequested {
        request_id: request_id.unwrap_or_default().to_owned(),
        operation: String::new(),
        operands: BTreeMap::new(),
        requester: None,
        source: "unknown".to_owned(),
        requested_at: Timestamp::now(),
    }
}
