//! Sends replies to waiting callers: immediately, with separate producers, and only to allowed
//! topics.
//!
//! An unwritten reply to the ingress is sent again until the caller's deadline. The completion may be
//! committed by then, and a committed request is never computed again. Replies to direct producers go
//! through [`direct`], where a broken topic delays no other topic.

mod allow_list;
mod answer;
mod direct;
mod topics;

use std::time::{Duration, Instant};

use abacus_kafka::{
    Duplicates, Header, KafkaConfig, Outgoing, PersistentProducer, ProducerSettings, Redelivery,
};
use abacus_runtime::{LogLimit, Shutdown};
use abacus_schemas::Timestamp;
use abacus_schemas::headers::ReplyTo;
use anyhow::Context as _;

use self::allow_list::AllowList;
pub(crate) use self::answer::{Answer, Output};
use self::direct::{DirectReplies, Sending};
use crate::config::ProcessorConfig;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// Longest delivery time of a reply before it is sent again.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time of retries for a reply, unless the caller's deadline is earlier.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Memory for replies to an unresponsive broker, in bytes.
const REPLY_QUEUE_BYTES: u64 = 256 << 20;
/// Memory for replies waiting to be sent again, in bytes.
const AGAIN_BYTES: usize = 64 << 20;
/// Longest wait for unwritten replies to direct producers at shutdown.
const DIRECT_FLUSH: Duration = Duration::from_millis(500);

/// Sends replies.
pub(crate) struct Replies {
    /// Topic of the ingress.
    own_topic: String,
    producer: PersistentProducer,
    direct: DirectReplies,
    allowed: AllowList,
    metrics: Metrics,
    log: LogLimit,
}

impl Replies {
    /// Connects the producers. Blocks until the broker answers.
    pub(crate) fn connect(config: &ProcessorConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let (kafka, instance) = (&config.kafka, &config.stream.instance);
        Ok(Self {
            own_topic: config.topics.replies.clone(),
            producer: connect_producer(kafka, instance, &metrics)?,
            direct: DirectReplies::connect(kafka, instance, config.reply_limits, &metrics)?,
            allowed: AllowList::new(&config.reply_topics),
            metrics,
            log: LogLimit::default(),
        })
    }

    pub(crate) fn partition_count(&self, topic: &str) -> Result<u32, abacus_kafka::Error> {
        self.producer.partition_count(topic)
    }

    /// Waits until every reply to the ingress is written. Replies to direct producers that are
    /// unwritten after half a second are given up.
    pub(crate) fn flush(&self, timeout: Duration) -> anyhow::Result<()> {
        self.producer.flush(timeout)?;
        if let Err(error) = self.direct.flush(DIRECT_FLUSH) {
            tracing::warn!(error = %error, "replies to direct producers are given up");
        }
        Ok(())
    }

    /// Looks reply topics up until shutdown. Blocks the thread.
    pub(crate) fn look_up_topics(&self, shutdown: &Shutdown) {
        self.direct.look_up(shutdown, |answer, refusal| match refusal {
            Some(refusal) => self.refuse(*answer, refusal),
            None => self.send(*answer),
        });
    }

    /// Sends the reply, if the request names a reply topic, and finishes the record. The first reply
    /// on a topic waits for a look-up of the topic, and the record with it.
    pub(crate) fn send(&self, answer: Answer) {
        let Some(to) = &answer.to else { return answer.finish(None) };
        let sending = if to.topic == self.own_topic {
            self.send_to_ingress(to, &answer)
        } else if self.allowed.allows(&to.topic) {
            with_record(to, answer.payload(), |reply| self.direct.send(reply))
        } else {
            Sending::Refused(Refusal::Forbidden)
        };
        match sending {
            Sending::Sent => {
                self.metrics.replies.with_label_values(&["sent"]).inc();
                answer.finish(None);
            }
            Sending::Refused(refusal) => self.refuse(answer, refusal),
            Sending::Unknown => {
                let topic = to.topic.clone();
                if let Err((answer, refusal)) = self.direct.defer(&topic, Box::new(answer)) {
                    self.refuse(*answer, refusal);
                }
            }
        }
    }

    /// Counts the refusal, and tells of it on the completion.
    fn refuse(&self, answer: Answer, refusal: Refusal) {
        self.metrics.replies.with_label_values(&[refusal.as_str()]).inc();
        if let Some(count) = self.log.due(Instant::now()) {
            let topic = answer.to.as_ref().map_or("", |to| to.topic.as_str());
            tracing::warn!(
                kafka.topic = topic,
                reason = refusal.as_str(),
                count,
                "replies are refused"
            );
        }
        answer.finish(Some(refusal));
    }

    /// Sends a reply to the ingress. Retries end at the deadline.
    fn send_to_ingress(&self, to: &ReplyTo, answer: &Answer) -> Sending {
        let time = retry_time(answer.deadline_ms);
        let sent = with_record(to, answer.payload(), |reply| self.producer.send(reply, time));
        match sent {
            Ok(()) => Sending::Sent,
            Err(error) => {
                tracing::debug!(error = %error, "cannot send a reply");
                Sending::Refused(Refusal::Failed)
            }
        }
    }
}

/// Hands a reply to `send` as a record: the correlation id under the name of the request's header.
fn with_record<T>(to: &ReplyTo, payload: &[u8], send: impl FnOnce(&Outgoing<'_>) -> T) -> T {
    let correlation = Header { name: to.correlation_header, value: &to.correlation_id };
    send(&Outgoing {
        topic: &to.topic,
        partition: to.partition,
        key: &to.correlation_id,
        payload,
        headers: &[correlation],
    })
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
}
