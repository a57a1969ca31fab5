//! Replies to direct producers, on their own topics.
//!
//! These replies have a producer of their own, and each topic has its limits: a topic that is missing
//! or stalled delays neither the replies to the ingress nor the replies on other topics. The existence
//! of a topic is looked up on a thread of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_kafka::{
    Delivery, Duplicates, Error, KafkaConfig, Outgoing, Producer, ProducerSettings, SendError,
};
use abacus_runtime::{LogLimit, Shutdown};
use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender};

use super::answer::Answer;
use super::topics::{Admission, Deferral, Fate, ReplyTopics, Token};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::reply_limits::ReplyLimits;

/// Longest time until a reply is written.
const DELIVERY_TIMEOUT: Duration = Duration::from_mins(2);
/// Memory for unwritten replies of all topics, in bytes.
const QUEUE_BYTES: u64 = 256 << 20;
/// Longest wait of a reply for the look-up of its topic to begin. The commits of the partition wait
/// too.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(2);
/// Interval at which the look-up thread checks for shutdown.
const IDLE: Duration = Duration::from_millis(100);

/// Sends replies to the topics of direct producers.
pub(super) struct DirectReplies {
    producer: Producer,
    topics: Arc<ReplyTopics<Box<Answer>>>,
    lookups: Sender<Lookup>,
    queue: Receiver<Lookup>,
    metrics: Metrics,
    /// Limit on the log lines about failed look-ups.
    log: LogLimit,
}

/// A topic to look up.
struct Lookup {
    topic: Box<str>,
    since: Instant,
}

/// Result of sending a reply.
pub(super) enum Sending {
    Sent,
    Refused(Refusal),
    /// The topic must be looked up first: see [`DirectReplies::defer`].
    Unknown,
}

impl DirectReplies {
    /// Creates the producer.
    pub(super) fn connect(
        kafka: &KafkaConfig,
        instance: &str,
        limits: ReplyLimits,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let settings = ProducerSettings {
            name: format!("abacus-direct-replies-{instance}"),
            delivery_timeout: DELIVERY_TIMEOUT,
            duplicates: Duplicates::Possible,
            queue_bytes: QUEUE_BYTES,
        };
        let topics = Arc::new(ReplyTopics::new(limits));
        let (reported, undelivered) = (Arc::clone(&topics), metrics.undelivered.clone());
        let log = LogLimit::default();
        let producer = Producer::connect(kafka, &settings, move |token, delivery| {
            reported.settle(Token(token), fate(delivery), Instant::now());
            if let Delivery::Failed(code) = delivery {
                undelivered.inc();
                if let Some(count) = log.due(Instant::now()) {
                    tracing::warn!(error = %code, count, "replies to direct producers were not written");
                }
            }
        });
        let (lookups, queue) = crossbeam_channel::unbounded();
        Ok(Self {
            producer: producer.context("the producer of direct replies")?,
            topics,
            lookups,
            queue,
            metrics: metrics.clone(),
            log: LogLimit::default(),
        })
    }

    /// Sends a reply, if its topic exists and has capacity.
    pub(super) fn send(&self, reply: &Outgoing<'_>) -> Sending {
        let (now, bytes) = (Instant::now(), reply.key.len() + reply.payload.len());
        let token = match self.topics.admit(reply.topic, reply.partition, bytes, now) {
            Admission::Admitted(token) => token,
            Admission::AdmittedForLookup(token) => {
                self.request_lookup(reply.topic, now);
                token
            }
            Admission::Refused(refusal) => return Sending::Refused(refusal),
            Admission::Unknown => return Sending::Unknown,
        };
        match self.producer.send(reply, token.0) {
            Ok(()) => Sending::Sent,
            Err(error) => {
                self.topics.settle(token, Fate::Failed, now);
                Sending::Refused(match error {
                    SendError::QueueFull => Refusal::Backlog,
                    SendError::TooLarge | SendError::Refused(_) => Refusal::Failed,
                })
            }
        }
    }

    /// Keeps a reply until its topic has been looked up. Gives a refused reply back.
    pub(super) fn defer(
        &self,
        topic: &str,
        reply: Box<Answer>,
    ) -> Result<(), (Box<Answer>, Refusal)> {
        let (now, bytes) = (Instant::now(), reply.reply_bytes());
        match self.topics.defer(topic, reply, bytes, now) {
            Deferral::Waiting => Ok(()),
            Deferral::LookUp => {
                self.request_lookup(topic, now);
                Ok(())
            }
            Deferral::Refused(reply, refusal) => Err((reply, refusal)),
        }
    }

    /// The queue is unbounded, and the table bounds the number of look-ups.
    fn request_lookup(&self, topic: &str, since: Instant) {
        // The receiver lives as long as this sender.
        let _ = self.lookups.send(Lookup { topic: topic.into(), since });
    }

    /// Looks topics up until shutdown. Hands each waiting reply to `resume`, with the reason if the
    /// topic is missing or no look-up succeeded. Blocks the thread.
    pub(super) fn look_up(
        &self,
        shutdown: &Shutdown,
        resume: impl Fn(Box<Answer>, Option<Refusal>),
    ) {
        while !shutdown.is_requested() {
            if let Ok(lookup) = self.queue.recv_timeout(IDLE) {
                self.resolve(&lookup, &resume);
            }
        }
    }

    fn resolve(&self, lookup: &Lookup, resume: &impl Fn(Box<Answer>, Option<Refusal>)) {
        let Lookup { topic, since } = lookup;
        let found = if since.elapsed() > LOOKUP_PATIENCE {
            Err(None)
        } else {
            self.producer.partition_count(topic).map_err(Some)
        };
        let now = Instant::now();
        let (waiting, refusal) = end_lookup(&self.topics, topic, &found, now);
        if let Err(error) = found
            && refusal == Some(Refusal::Unresolved)
            && let Some(count) = self.log.due(now)
        {
            let error =
                error.map_or_else(|| "other topics take too long".into(), |e| e.to_string());
            tracing::warn!(kafka.topic = &**topic, error, count, "cannot look a reply topic up");
        }
        self.metrics.reply_topics.set(i64::try_from(self.topics.len()).unwrap_or(i64::MAX));
        for reply in waiting {
            resume(reply, refusal);
        }
    }

    /// Waits until every reply is written or given up, within `timeout`.
    pub(super) fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.producer.flush(timeout)
    }
}

/// Records the result of a look-up; `Err(None)` is a look-up that began too late. Returns the replies
/// that waited, and the reason if they are refused.
fn end_lookup<W>(
    topics: &ReplyTopics<W>,
    topic: &str,
    found: &Result<u32, Option<Error>>,
    now: Instant,
) -> (Vec<W>, Option<Refusal>) {
    match found {
        Ok(partitions) => (topics.resolve(topic, Some(*partitions), now), None),
        Err(Some(Error::NoSuchTopic(_))) => {
            (topics.resolve(topic, None, now), Some(Refusal::NoSuchTopic))
        }
        Err(_) => (topics.give_up(topic, now), Some(Refusal::Unresolved)),
    }
}

fn fate(delivery: Delivery) -> Fate {
    match delivery {
        Delivery::Written => Fate::Written,
        Delivery::Failed(_) if delivery.is_no_such_topic() => Fate::NoSuchTopic,
        Delivery::Failed(_) => Fate::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_without_a_topic_refuses_the_waiting_replies() {
        let limits =
            ReplyLimits { backlog: 1, backlog_bytes: 1, topics: 1, memory: Duration::ZERO };
        let (topics, now) = (ReplyTopics::new(limits), Instant::now());
        for (found, refusal) in [
            (Ok(1), None),
            (Err(Some(Error::NoSuchTopic("t".to_owned()))), Some(Refusal::NoSuchTopic)),
            (Err(None), Some(Refusal::Unresolved)),
        ] {
            topics.defer("t", 7, 1, now);
            assert_eq!(end_lookup(&topics, "t", &found, now), (vec![7], refusal));
        }
    }
}
