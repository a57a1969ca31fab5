//! The polling half of a stream: one thread that polls, hands records out and follows rebalances.

mod pausing;
mod rebalance;
mod rewind;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;

use self::pausing::{Assigned, to_list};
pub(super) use self::rebalance::Context;
use super::StreamSettings;
use super::assignment::{AckHandle, Amount};
use super::assignments::Assignments;
use super::committer::{CommitTimeouts, Committer};
use super::metrics::Metrics;
use crate::config::{KafkaConfig, POLL_INTERVAL};
use crate::error::Error;
use crate::failpoint;
use crate::record::{InboundRecord, TopicPartition};

/// How soon a loop with something to look after polls again.
const BUSY_POLL: Duration = Duration::from_millis(5);

/// How long, at shutdown, a batch under way is waited for before the last ones are begun.
const LAST_BATCH: Duration = Duration::from_secs(2);

/// What becomes of a record.
pub trait Handler {
    /// Takes a record; called on the polling thread, so it must be quick. The ack is to be
    /// finished, here or later.
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle);

    /// Whether records are wanted; asked on the polling thread before each poll. While they are not,
    /// every partition is paused, and the source stays in its group.
    fn is_accepting(&self) -> bool {
        true
    }
}

/// The polling half of a stream.
pub struct Source {
    consumer: Arc<BaseConsumer<Context>>,
    committer: Arc<Committer>,
    assignments: Arc<Assignments>,
    assigned: Vec<Assigned>,
    /// Where in `assigned` the last record went: records of a partition come in runs.
    last: usize,
    /// What one partition may have pending.
    backlog: Amount,
    settings: StreamSettings,
    metrics: Metrics,
}

impl Source {
    pub(super) fn connect(
        config: &KafkaConfig,
        settings: StreamSettings,
        assignments: Arc<Assignments>,
        committer: Arc<Committer>,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let name = format!("{}-{}", settings.group, settings.instance);
        let context = Context {
            name: name.clone(),
            assignments: Arc::clone(&assignments),
            committer: Arc::clone(&committer),
            hand_over: settings.hand_over,
            metrics: metrics.clone(),
            is_closed: AtomicBool::new(false),
            revoked: Mutex::default(),
            failure: Mutex::default(),
        };
        let consumer: BaseConsumer<Context> = config
            .group_consumer(
                &name,
                &settings.group,
                settings.protocol,
                &[
                    // Small, since what is prefetched is thrown away when a partition moves.
                    ("queued.min.messages", "10000"),
                    ("queued.max.messages.kbytes", "16384"),
                    // And when it is paused: so a fetch brings less of one partition than may be
                    // pending. A record that is larger comes all the same (KIP-74).
                    ("fetch.message.max.bytes", "524288"),
                ],
            )
            .create_with_context(context)
            .map_err(Error::client(&name))?;
        let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(Error::call("subscribing"))?;
        let consumer = Arc::new(consumer);
        committer.set_consumer(Arc::clone(&consumer));
        let backlog =
            Amount { records: settings.partition_backlog, bytes: settings.partition_backlog_bytes };
        let assigned = Vec::new();
        Ok(Self { consumer, committer, assignments, assigned, last: 0, backlog, settings, metrics })
    }

    /// Polls until `is_stopping`, then waits for the work under way, commits and leaves the group.
    pub fn run(
        mut self,
        is_stopping: impl Fn() -> bool,
        handler: &impl Handler,
    ) -> Result<(), Error> {
        while !is_stopping() {
            self.step(handler)?;
        }
        self.drain()
    }

    fn step(&mut self, handler: &impl Handler) -> Result<(), Error> {
        if self.committer.take_rewind() && !self.has_rewound() {
            // Nothing may be read before this has worked.
            self.committer.mark_rewind();
            std::thread::park_timeout(POLL_INTERVAL);
            return Ok(());
        }
        self.open_or_close(handler.is_accepting())?;
        let is_one_to_resume = !self.is_closed() && self.resume_relieved()?;
        let consumer = Arc::clone(&self.consumer);
        let polled = consumer.poll(if is_one_to_resume { BUSY_POLL } else { POLL_INTERVAL });
        self.follow_rebalance()?;
        if self.assignments.is_abandoned() {
            return Err(Error::Abandoned);
        }
        match polled {
            None => {}
            Some(Ok(message)) => {
                let ack = self.receive(&message)?;
                handler.on_record(&InboundRecord::new(message), ack);
            }
            Some(Err(source @ KafkaError::MessageConsumptionFatal(_))) => {
                return Err(Error::Fatal { client: consumer.context().name.clone(), source });
            }
            // The context has heard of it too, and logged it.
            Some(Err(error)) => tracing::debug!(error = %error, "polling goes on"),
        }
        Ok(())
    }

    fn receive(&mut self, message: &impl Message) -> Result<AckHandle, Error> {
        failpoint::reach("stream::received");
        self.metrics.received.inc();
        let limit = self.backlog;
        let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
        let assigned = self.assigned(message.topic(), message.partition());
        let (ack, pending) = assigned.assignment.receive(message.offset(), bytes);
        assigned.next_offset = message.offset() + 1;
        if !assigned.is_paused && pending.reaches(limit) {
            assigned.is_paused = true;
            let list = to_list([&assigned.partition]);
            self.consumer.pause(&list).map_err(Error::call("pausing"))?;
            self.metrics.paused.inc();
        }
        Ok(ack)
    }

    /// The assignment of a partition; its first record since the assignment opens it.
    fn assigned(&mut self, topic: &str, partition: i32) -> &mut Assigned {
        let is_it = |assigned: &Assigned| {
            assigned.partition.partition == partition && &*assigned.partition.topic == topic
        };
        if !self.assigned.get(self.last).is_some_and(is_it) {
            self.last = self.assigned.iter().position(is_it).unwrap_or(self.assigned.len());
        }
        if self.last == self.assigned.len() {
            let partition = TopicPartition { topic: topic.into(), partition };
            let assignment = self.assignments.open(partition.clone());
            self.assigned.push(Assigned {
                partition,
                assignment,
                next_offset: 0,
                is_paused: false,
            });
        }
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        &mut self.assigned[self.last]
    }

    fn follow_rebalance(&mut self) -> Result<(), Error> {
        for partition in self.consumer.context().revoked.lock().drain(..) {
            self.assigned.retain(|assigned| assigned.partition != partition);
            let paused = self.assigned.iter().filter(|assigned| assigned.is_paused).count();
            self.metrics.paused.set(i64::try_from(paused).unwrap_or(i64::MAX));
        }
        match self.consumer.context().failure.lock().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Reads no further, waits for the work under way and commits it. Polling goes on meanwhile,
    /// so that the partitions stay ours.
    fn drain(mut self) -> Result<(), Error> {
        let deadline = Instant::now() + self.settings.drain;
        let consumer = Arc::clone(&self.consumer);
        let assignment = consumer.assignment().map_err(Error::call("asking for the assignment"))?;
        consumer.pause(&assignment).map_err(Error::call("pausing"))?;
        while self.assignments.has_any_unfinished() && Instant::now() < deadline {
            // A record that was already on its way is left for the next owner.
            drop(consumer.poll(BUSY_POLL));
            self.follow_rebalance()?;
        }
        self.committer.close();
        let assignments = Arc::clone(&self.assignments);
        let patience = CommitTimeouts { before: LAST_BATCH, batches: self.settings.hand_over };
        self.committer.commit_last(&consumer, patience, || assignments.close_all()).map(|_| ())
    }
}

impl Drop for Source {
    /// The committer holds the consumer, whose context holds the committer.
    fn drop(&mut self) {
        self.committer.close();
    }
}
