//! Sends replies to waiting callers: immediately, with a separate producer, and only to allowed
//! topics.
//!
//! An unwritten reply is sent again until the caller's deadline. The completion may be committed by
//! then, and a committed request is never computed again.

use std::time::Duration;

use abacus_kafka::{
    Duplicates, Header, KafkaConfig, Outgoing, PersistentProducer, ProducerSettings, Redelivery,
};
use abacus_schemas::Timestamp;
use abacus_schemas::headers::ReplyTo;
use anyhow::Context as _;

use crate::config::ProcessorConfig;
use crate::metrics::Metrics;

/// Longest delivery time of a reply before it is sent again.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time of retries for a reply, unless the caller's deadline is earlier.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Memory for replies to an unresponsive broker, in bytes.
const REPLY_QUEUE_BYTES: u64 = 256 << 20;
/// Memory for replies waiting to be sent again, in bytes.
const AGAIN_BYTES: usize = 64 << 20;

/// Sends replies.
pub(crate) struct Replies {
    producer: PersistentProducer,
    allowed: AllowList,
    metrics: Metrics,
}

impl Replies {
    /// Connects the producer. Blocks until the broker answers.
    pub(crate) fn connect(config: &ProcessorConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let producer = connect_producer(&config.kafka, &config.stream.instance, &metrics)?;
        let allowed = AllowList::new(&config.topics.replies, &config.reply_topics);
        Ok(Self { producer, allowed, metrics })
    }

    pub(crate) fn partition_count(&self, topic: &str) -> Result<u32, abacus_kafka::Error> {
        self.producer.partition_count(topic)
    }

    pub(crate) fn flush(&self, timeout: Duration) -> anyhow::Result<()> {
        Ok(self.producer.flush(timeout)?)
    }

    /// Sends a reply if the request names a reply topic. Retries end at the deadline.
    pub(crate) fn send(&self, to: Option<&ReplyTo>, deadline_ms: Option<i64>, payload: &[u8]) {
        let Some(to) = to else { return };
        let result = if !self.allowed.allows(&to.topic) {
            tracing::warn!(kafka.topic = to.topic, "replies to this topic are not allowed");
            "forbidden"
        } else if let Err(error) = self.try_send(to, retry_time(deadline_ms), payload) {
            tracing::warn!(kafka.topic = to.topic, error = %error, "cannot send a reply");
            "failed"
        } else {
            "sent"
        };
        self.metrics.replies.with_label_values(&[result]).inc();
    }

    fn try_send(
        &self,
        to: &ReplyTo,
        time: Duration,
        payload: &[u8],
    ) -> Result<(), abacus_kafka::SendError> {
        let correlation = Header { name: to.correlation_header, value: &to.correlation_id };
        let outgoing = Outgoing {
            topic: &to.topic,
            partition: to.partition,
            key: &to.correlation_id,
            payload,
            headers: &[correlation],
        };
        self.producer.send(&outgoing, time)
    }
}

/// Time during which an unwritten reply is sent again.
fn retry_time(deadline_ms: Option<i64>) -> Duration {
    let Some(deadline_ms) = deadline_ms else { return LONGEST_WAIT };
    let left = deadline_ms.saturating_sub(Timestamp::now().as_micros() / 1000);
    Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LONGEST_WAIT)
}

fn connect_producer(
    kafka: &KafkaConfig,
    instance: &str,
    metrics: &Metrics,
) -> anyhow::Result<PersistentProducer> {
    let settings = ProducerSettings {
        name: format!("abacus-replies-{instance}"),
        delivery_timeout: REPLY_TIMEOUT,
        // A second reply finds no waiter and has no effect.
        duplicates: Duplicates::Possible,
        queue_bytes: REPLY_QUEUE_BYTES,
    };
    let (again, undelivered) = (metrics.sent_again.clone(), metrics.undelivered.clone());
    let on_failure = move |failure| match failure {
        Redelivery::Again(code) => {
            again.inc();
            tracing::debug!(error = %code, "a reply was not written; sending again");
        }
        Redelivery::Lost(code) => {
            undelivered.inc();
            tracing::warn!(error = %code, "a reply was not written; giving up");
        }
    };
    PersistentProducer::connect(kafka, &settings, AGAIN_BYTES, on_failure)
        .context("the reply producer")
}

/// The topics allowed for replies. Any producer can name a reply topic in a request, so without this
/// list a producer could write to any topic through the processor.
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
    fn a_reply_is_worth_nothing_once_its_caller_has_given_up() {
        let now = Timestamp::now().as_micros() / 1000;
        assert_eq!(retry_time(None), LONGEST_WAIT);
        assert_eq!(retry_time(Some(now - 1)), Duration::ZERO);
        assert_eq!(retry_time(Some(i64::MIN)), Duration::ZERO);
        assert_eq!(retry_time(Some(i64::MAX)), LONGEST_WAIT);
        assert!(retry_time(Some(now + 10_000)) <= Duration::from_secs(10));
    }

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
