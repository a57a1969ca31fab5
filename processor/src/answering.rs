//! The way out: the reply to whoever waits, and the completion for the log.
//!
//! The reply goes at once, by a producer of its own, and does not wait for the transaction that
//! publishes the completion. Should the process die in between, the request is computed again to
//! the same answer, and the second reply finds nobody waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::{
    Delivery, Duplicates, Header, KafkaConfig, OutboundRecord, Outgoing, Producer,
    ProducerSettings, failpoint,
};
use abacus_schemas::headers::{self, ReplyTo};
use abacus_schemas::topics::MAX_VALUE_BYTES;
use abacus_schemas::{
    CacheLevel, ComputeCompleted, ComputeRequested, Encoder, Outcome, Timestamp, Topics,
};
use anyhow::Context as _;

use crate::cache::Cached;
use crate::config::ProcessorConfig;
use crate::dead_letter::{Class, Original};
use crate::job::{Envelope, Job};
use crate::metrics::Metrics;

/// How long a reply may be on its way; by then its caller has given up.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Memory for replies on their way to a broker that does not answer.
const REPLY_QUEUE_BYTES: u64 = 256 << 20;

/// Answers jobs.
pub(crate) struct Answering {
    encoders: Encoders,
    producer: Producer,
    completed: Arc<str>,
    heavy: Arc<str>,
    dead_letter: Arc<str>,
    allowed: AllowList,
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
pub(crate) struct Answered {
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

impl Answered {
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

    fn outcome(self) -> Outcome {
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

impl Answering {
    pub(crate) fn connect(
        config: &ProcessorConfig,
        encoders: Encoders,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let producer = reply_producer(&config.kafka, &config.stream.instance, &metrics)?;
        ensure_partitions(&producer, &config.topics)?;
        Ok(Self {
            encoders,
            producer,
            completed: config.topics.completed.as_str().into(),
            heavy: config.topics.requested_heavy.as_str().into(),
            dead_letter: config.topics.dead_letter.as_str().into(),
            allowed: AllowList::new(&config.topics.replies, &config.reply_topics),
            processor: config.stream.instance.clone(),
            metrics,
        })
    }

    /// Replies, and finishes the record with its completion.
    pub(crate) fn answer(&self, job: Job, answered: Answered) {
        let outcome = if answered.result.is_ok() { "succeeded" } else { "failed" };
        let operation =
            abacus_operations::find(&job.request.operation).map_or("unknown", |o| o.name());
        self.metrics.answered.with_label_values(&[operation, outcome]).inc();
        let Job { request, envelope, .. } = job;
        let key = request.request_id.clone().into_bytes();
        let payload = self.encode(self.completion(request, answered));
        self.reply(envelope.reply_to.as_ref(), &payload);
        failpoint::reach("processor::after_reply");
        let (topic, partition) = (Arc::clone(&self.completed), Some(envelope.partition));
        envelope.ticket.finish(Some(OutboundRecord {
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
        let headers = headers::forwarded(job.envelope.reply_to.as_ref(), job.envelope.deadline_ms);
        let record = OutboundRecord {
            topic: Arc::clone(&self.heavy),
            partition: Some(job.envelope.partition),
            key: key.to_vec(),
            payload,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        if record.size() > MAX_VALUE_BYTES {
            return self.answer(job, too_large());
        }
        self.metrics.handed_over.inc();
        job.envelope.ticket.finish(Some(record));
    }

    /// Says why to whoever waits, and puts the record aside.
    pub(crate) fn bury(&self, original: Original, envelope: Envelope, class: Class, reason: &str) {
        tracing::warn!(
            kafka.partition = envelope.partition,
            class = class.as_str(),
            "dead letter: {reason}"
        );
        self.metrics.dead_letters.with_label_values(&[class.as_str()]).inc();
        if envelope.reply_to.is_some() {
            let failed = Answered::failed(class.as_str(), reason);
            let payload = self.encode(self.completion(nobody(), failed));
            self.reply(envelope.reply_to.as_ref(), &payload);
        }
        let letter = original.into_dead_letter(&self.dead_letter, class, reason);
        envelope.ticket.finish(Some(letter));
    }

    pub(crate) fn flush(&self, timeout: Duration) -> anyhow::Result<()> {
        Ok(self.producer.flush(timeout)?)
    }

    fn completion(&self, request: ComputeRequested, answered: Answered) -> ComputeCompleted {
        ComputeCompleted {
            request_id: request.request_id,
            operation: request.operation,
            operands: request.operands,
            requester: request.requester,
            source: request.source,
            requested_at: request.requested_at,
            completed_at: Timestamp::now(),
            compute_micros: answered.compute_micros,
            cache: answered.cache,
            outcome: answered.outcome(),
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
        event.outcome = too_large().outcome();
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

    fn reply(&self, to: Option<&ReplyTo>, payload: &[u8]) {
        let Some(to) = to else { return };
        let result = if !self.allowed.allows(&to.topic) {
            tracing::warn!(kafka.topic = to.topic, "a reply to this topic is not allowed");
            "forbidden"
        } else if let Err(error) = self.send(to, payload) {
            tracing::warn!(kafka.topic = to.topic, error = %error, "a reply was not sent");
            "failed"
        } else {
            "sent"
        };
        self.metrics.replies.with_label_values(&[result]).inc();
    }

    fn send(&self, to: &ReplyTo, payload: &[u8]) -> Result<(), abacus_kafka::SendError> {
        let correlation = Header { name: to.correlation_header, value: &to.correlation_id };
        let outgoing = Outgoing {
            topic: &to.topic,
            partition: to.partition,
            key: &to.correlation_id,
            payload,
            headers: &[correlation],
        };
        self.producer.send(&outgoing, 0)
    }
}

/// A completion, and a request handed over, go to the partition number of the request.
fn ensure_partitions(producer: &Producer, topics: &Topics) -> anyhow::Result<()> {
    let requested = producer.partition_count(&topics.requested)?;
    for topic in [&topics.completed, &topics.requested_heavy] {
        let partitions = producer.partition_count(topic)?;
        anyhow::ensure!(
            partitions >= requested,
            "topic {topic} has {partitions} partitions but {} has {requested}: what comes of a \
             request keeps its partition, so add partitions to the former",
            topics.requested,
        );
    }
    Ok(())
}

fn too_large() -> Answered {
    let message = format!("request and result together exceed {MAX_VALUE_BYTES} bytes");
    Answered::failed("record-too-large", message)
}

fn reply_producer(
    kafka: &KafkaConfig,
    instance: &str,
    metrics: &Metrics,
) -> anyhow::Result<Producer> {
    let settings = ProducerSettings {
        name: format!("abacus-replies-{instance}"),
        delivery_timeout: REPLY_TIMEOUT,
        // Nobody waits for a second reply.
        duplicates: Duplicates::Possible,
        queue_bytes: REPLY_QUEUE_BYTES,
    };
    let undelivered = metrics.undelivered.clone();
    let on_delivery = move |_, delivery| {
        if let Delivery::Failed(code) = delivery {
            undelivered.inc();
            tracing::warn!(error = %code, "a reply was not written");
        }
    };
    Producer::connect(kafka, &settings, on_delivery).context("the reply producer")
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

/// The topics that replies may go to. The reply topic comes from the request, which anybody may
/// produce: without this list they could have us write anywhere.
struct AllowList {
    exact: Vec<String>,
    prefixes: Vec<String>,
}

impl AllowList {
    fn new(own: &str, others: &[String]) -> Self {
        let mut list = Self { exact: vec![own.to_owned()], prefixes: Vec::new() };
        for topic in others {
            match topic.strip_suffix('*') {
                Some(prefix) => list.prefixes.push(prefix.to_owned()),
                None => list.exact.push(topic.clone()),
            }
        }
        list
    }

    fn allows(&self, topic: &str) -> bool {
        self.exact.iter().any(|allowed| allowed == topic)
            || self.prefixes.iter().any(|prefix| topic.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_go_only_where_they_are_allowed() {
        let list = AllowList::new("own", &["exact".to_owned(), "abacus.replies.*".to_owned()]);
        for allowed in ["own", "exact", "abacus.replies.billing"] {
            assert!(list.allows(allowed), "{allowed}");
        }
        for forbidden in ["", "owner", "exact.not", "abacus.compute.completed.v1"] {
            assert!(!list.allows(forbidden), "{forbidden}");
        }
    }
}
