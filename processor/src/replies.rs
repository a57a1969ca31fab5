//! Replies to whoever waits: at once, by a producer of their own, and only to topics that are allowed.

use std::time::Duration;

use abacus_kafka::{
    Delivery, Duplicates, Header, KafkaConfig, Outgoing, Producer, ProducerSettings,
};
use abacus_schemas::headers::ReplyTo;
use anyhow::Context as _;

use crate::config::ProcessorConfig;
use crate::metrics::Metrics;

/// How long a reply may be on its way; by then its caller has given up.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Memory for replies on their way to a broker that does not answer.
const REPLY_QUEUE_BYTES: u64 = 256 << 20;

/// Sends replies.
pub(crate) struct Replies {
    producer: Producer,
    allowed: AllowList,
    metrics: Metrics,
}

impl Replies {
    /// Blocks until the broker answers.
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

    /// Nothing, if nobody waits.
    pub(crate) fn send(&self, to: Option<&ReplyTo>, payload: &[u8]) {
        let Some(to) = to else { return };
        let result = if !self.allowed.allows(&to.topic) {
            tracing::warn!(kafka.topic = to.topic, "a reply to this topic is not allowed");
            "forbidden"
        } else if let Err(error) = self.try_send(to, payload) {
            tracing::warn!(kafka.topic = to.topic, error = %error, "a reply was not sent");
            "failed"
        } else {
            "sent"
        };
        self.metrics.replies.with_label_values(&[result]).inc();
    }

    fn try_send(&self, to: &ReplyTo, payload: &[u8]) -> Result<(), abacus_kafka::SendError> {
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

fn connect_producer(
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
