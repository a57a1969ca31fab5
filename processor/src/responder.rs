//! The way out: the reply to whoever waits, and the completion for the log.
//!
//! The reply goes at once, by a producer of its own, and does not wait for the transaction that
//! publishes the completion. Should the process die in between, the request is computed again to
//! the same answer, and the second reply finds nobody waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use abacus_kafka::{OutboundRecord, failpoint};
use abacus_schemas::headers;
use abacus_schemas::topics::MAX_VALUE_BYTES;
use abacus_schemas::{
    CacheLevel, ComputeCompleted, ComputeRequested, Encoder, Outcome, Timestamp, Topics,
};

use crate::cache::Cached;
use crate::config::ProcessorConfig;
use crate::dead_letter::{Class, OriginalRecord};
use crate::job::{Job, RecordContext};
use crate::metrics::Metrics;
use crate::replies::Replies;

/// Answers jobs.
pub(crate) struct Responder {
    encoders: Encoders,
    replies: Replies,
    completed: Arc<str>,
    heavy: Arc<str>,
    dead_letter: Arc<str>,
    processor: String,
    metrics: Metrics,
}

/// Writes what the processor publishes.
pub(crate) struct Encoders {
    pub(crate) completed: Encoder<ComputeCompleted>,
    pub(crate) heavy: Encoder<ComputeRequested>,
}

/// A result, or why there is none, and how it came about. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct JobOutcome {
    pub(crate) result: Result<Cached, Failure>,
    pub(crate) compute_micros: i64,
    pub(crate) cache: CacheLevel,
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: String,
    message: String,
}

impl JobOutcome {
    /// The same, for one that waited for another's computation.
    pub(crate) fn shared(self) -> Self {
        match self.result {
            Ok(_) => Self { compute_micros: 0, cache: CacheLevel::Memory, ..self },
            Err(_) => self,
        }
    }

    /// A failure, found without computing.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        let failure = Failure { code: code.to_owned(), message: message.into() };
        Self { result: Err(failure), compute_micros: 0, cache: CacheLevel::None }
    }

    /// A result that was there.
    pub(crate) fn found(result: Cached, cache: CacheLevel) -> Self {
        Self { result: Ok(result), compute_micros: 0, cache }
    }

    fn into_event(self) -> Outcome {
        match self.result {
            Ok(cached) => Outcome::Succeeded {
                result: cached.decimal.to_string(),
                digits: i64::try_from(cached.digits()).unwrap_or(i64::MAX),
                bits: i64::try_from(cached.bits).unwrap_or(i64::MAX),
            },
            Err(Failure { code, message }) => Outcome::Failed { code, message },
        }
    }
}

impl Responder {
    /// Blocks until the broker answers.
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

    /// Replies, and finishes the record with its completion.
    pub(crate) fn answer(&self, job: Job, outcome: JobOutcome) {
        let label = if outcome.result.is_ok() { "succeeded" } else { "failed" };
        let operation =
            abacus_operations::find(&job.request.operation).map_or("unknown", |o| o.name());
        self.metrics.answered.with_label_values(&[operation, label]).inc();
        let Job { request, context, .. } = job;
        let key = request.request_id.clone().into_bytes();
        let payload = self.encode(self.completion(request, outcome));
        self.replies.send(context.reply_to.as_ref(), context.deadline_ms, &payload);
        failpoint::reach("processor::after_reply");
        let (topic, partition) = (Arc::clone(&self.completed), Some(context.partition));
        context.ack.finish(Some(OutboundRecord {
            topic,
            partition,
            key,
            payload,
            headers: Vec::new(),
        }));
    }

    /// Finishes the record with a copy for the heavy lane, which answers it.
    pub(crate) fn hand_over(&self, job: Job) {
        let payload = self.encode_request(&job.request);
        let key = job.request.request_id.as_bytes();
        let RecordContext { reply_to, deadline_ms, traceparent, .. } = &job.context;
        let headers = headers::forwarded(reply_to.as_ref(), *deadline_ms, traceparent.as_deref());
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

    /// Says why to whoever waits, and puts the record aside.
    pub(crate) fn bury(
        &self,
        original: OriginalRecord,
        context: RecordContext,
        class: Class,
        reason: &str,
    ) {
        tracing::warn!(
            kafka.partition = context.partition,
            class = class.as_str(),
            "dead letter: {reason}"
        );
        self.metrics.dead_letters.with_label_values(&[class.as_str()]).inc();
        if context.reply_to.is_some() {
            let failed = JobOutcome::failed(class.as_str(), reason);
            let payload = self.encode(self.completion(nobody(), failed));
            self.replies.send(context.reply_to.as_ref(), context.deadline_ms, &payload);
        }
        let dead_letter = original.into_dead_letter(&self.dead_letter, class, reason);
        context.ack.finish(Some(dead_letter));
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

    /// The event's bytes. One that does not fit its topic would fail every transaction it is in,
    /// so its outcome becomes that it does not fit.
    fn encode(&self, mut event: ComputeCompleted) -> Vec<u8> {
        let bytes = self.encode_any(&event);
        if bytes.len() <= MAX_VALUE_BYTES {
            return bytes;
        }
        let short = |text: &str| text.chars().take(100).collect();
        event.operands.clear();
        event.operation = short(&event.operation);
        event.requester = event.requester.as_deref().map(short);
        event.source = short(&event.source);
        event.outcome = too_large().into_event();
        self.encode_any(&event)
    }

    #[expect(clippy::expect_used, reason = "the type is the schema's; tests hold them together")]
    fn encode_any(&self, event: &ComputeCompleted) -> Vec<u8> {
        self.encoders.completed.encode(event).expect("a completion fits its schema")
    }

    #[expect(clippy::expect_used, reason = "the type is the schema's; tests hold them together")]
    fn encode_request(&self, request: &ComputeRequested) -> Vec<u8> {
        self.encoders.heavy.encode(request).expect("a request fits its schema")
    }
}

/// A completion, and a request handed over, go to the partition number of the request.
fn ensure_partitions(replies: &Replies, topics: &Topics) -> anyhow::Result<()> {
    let pairs = [
        (&topics.requested, &topics.requested_heavy),
        (&topics.requested_heavy, &topics.completed),
    ];
    for (from, to) in pairs {
        let (needed, partitions) = (replies.partition_count(from)?, replies.partition_count(to)?);
        anyhow::ensure!(
            partitions >= needed,
            "topic {to} has {partitions} partitions but {from} has {needed}: what comes of a request \
             keeps its partition, so add partitions to the former",
        );
    }
    Ok(())
}

fn too_large() -> JobOutcome {
    let message = format!("request and result together exceed {MAX_VALUE_BYTES} bytes");
    JobOutcome::failed("record-too-large", message)
}

/// Stands in for the request that could not be read.
fn nobody() -> ComputeRequested {
    ComputeRequested {
        request_id: String::new(),
        operation: String::new(),
        operands: BTreeMap::new(),
        requester: None,
        source: "unknown".to_owned(),
        requested_at: Timestamp::now(),
    }
}
