//! The polling half of a stream: one thread polls, passes records to the handler and follows
//! rebalances.

mod hand_over;
mod joining;
mod partitions;
mod rewind;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::message::BorrowedMessage;

use self::joining::Joining;
use self::partitions::ReadPartitions;
use super::amount::Amount;
use super::assignment::AckHandle;
use super::assignments::Assignments;
use super::committer::{CommitTimeouts, Committer};
use super::consumer::GroupConsumer;
use super::metrics::Metrics;
use super::settings::StreamSettings;
use crate::config::{KafkaConfig, POLL_INTERVAL};
use crate::error::Error;
use crate::failpoint;
use crate::fencing::{AfterPoll, Fencings};
use crate::membership::leave;
use crate::record::InboundRecord;
use crate::unreadable::{ReadMonitor, UnreadableBatch, Watch};

/// Length of a poll while the source has other work to look after.
const BUSY_POLL: Duration = Duration::from_millis(5);

/// Longest wait at shutdown for the batch in flight, before the last batches start.
const LAST_BATCH: Duration = Duration::from_secs(2);

/// Processes the records of a stream.
pub trait Handler {
    /// Takes a record. Runs on the polling thread, and must be quick. The ack handle must be
    /// finished, here or later.
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle);

    /// Takes a batch that cannot be read. The ack handle stands for all records of the batch. Without
    /// an implementation the batch has no output.
    fn on_unreadable(&self, batch: &UnreadableBatch, ack: AckHandle) {
        let _ = batch;
        ack.finish(None);
    }

    /// Returns false while no records are wanted. The source asks on the polling thread before each
    /// poll; meanwhile it pauses every partition and stays in its group.
    fn is_accepting(&self) -> bool {
        true
    }
}

/// The polling half of a stream.
pub struct Source {
    joining: Joining,
    consumer: Arc<GroupConsumer>,
    watch: Watch,
    assignments: Arc<Assignments>,
    partitions: ReadPartitions,
    fencings: Fencings,
}

impl Source {
    pub(super) fn connect(
        config: &KafkaConfig,
        settings: StreamSettings,
        committer: Arc<Committer>,
        metrics: Metrics,
        monitor: ReadMonitor,
    ) -> Result<Self, Error> {
        let assignments = committer.assignments();
        let limit =
            Amount { records: settings.partition_backlog, bytes: settings.partition_backlog_bytes };
        let partitions = ReadPartitions::new(limit, metrics.clone());
        let name = format!("{}-{}", settings.group, settings.instance);
        let joining =
            Joining { config: config.clone(), name, settings, committer, metrics, monitor };
        let (consumer, watch) = joining.join()?;
        let fencings = Fencings::default();
        Ok(Self { joining, consumer, watch, assignments, partitions, fencings })
    }

    /// Polls until `is_stopping`. Then waits for unfinished records, commits and leaves the group.
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
        if self.joining.committer.take_rewind() && !self.has_rewound() {
            // No record may be read before the rewind succeeds.
            self.joining.committer.mark_rewind();
            std::thread::park_timeout(POLL_INTERVAL);
            return Ok(());
        }
        for batch in self.watch.take() {
            self.skip(&batch, handler)?;
        }
        self.partitions.set_accepting(handler.is_accepting(), &self.consumer)?;
        let is_closed = self.consumer.context().is_closed.load(Ordering::Relaxed);
        let has_paused = !is_closed && self.partitions.resume_relieved(&self.consumer)?;
        let consumer = Arc::clone(&self.consumer);
        let polled = consumer.poll(if has_paused { BUSY_POLL } else { POLL_INTERVAL });
        self.follow_rebalance()?;
        if self.assignments.is_abandoned() {
            return Err(Error::Abandoned);
        }
        match polled {
            None => Ok(()),
            Some(Ok(message)) => self.receive(message, handler),
            Some(Err(error)) => match self.fencings.note_failed_poll(&self.joining.name, error)? {
                AfterPoll::PollAgain => Ok(()),
                AfterPoll::JoinAgain => self.rejoin(),
            },
        }
    }

    fn receive(
        &mut self,
        message: BorrowedMessage<'_>,
        handler: &impl Handler,
    ) -> Result<(), Error> {
        failpoint::reach("stream::received");
        let ack = self.partitions.receive(&message, &self.assignments, &self.consumer)?;
        handler.on_record(&InboundRecord::new(message), ack);
        Ok(())
    }

    /// Continues after an unreadable batch, if its partition still stands in front of the batch.
    fn skip(&mut self, batch: &UnreadableBatch, handler: &impl Handler) -> Result<(), Error> {
        let ack = self.partitions.skip(batch, &self.assignments, &self.consumer)?;
        if let Some(ack) = ack {
            handler.on_unreadable(batch, ack);
        }
        Ok(())
    }

    /// Returns to the committed offsets after a failed commit batch. Returns false if the rewind must
    /// be repeated.
    fn has_rewound(&mut self) -> bool {
        self.partitions.clear();
        match rewind::seek_to_committed(&self.consumer, &self.joining.committer, &self.assignments)
        {
            Ok(true) => {
                self.joining.metrics.rewinds.inc();
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "{error}; trying again");
                false
            }
        }
    }

    /// Joins the group by a new consumer, after the group has fenced the consumer. The records of the
    /// fenced member are read again from the committed offsets.
    fn rejoin(&mut self) -> Result<(), Error> {
        self.consumer.context().is_replaced.store(true, Ordering::Relaxed);
        let Joining { committer, settings, metrics, .. } = &self.joining;
        // The group refuses a batch that is in flight for longer.
        let closed =
            committer.between_transactions(settings.hand_over, || self.assignments.close_all());
        closed.unwrap_or_else(|| self.assignments.close_all());
        self.partitions.clear();
        metrics.assigned.set(0);
        metrics.rejoins.inc();
        (self.consumer, self.watch) = self.joining.join()?;
        Ok(())
    }

    fn follow_rebalance(&mut self) -> Result<(), Error> {
        for partition in self.consumer.context().revoked.lock().drain(..) {
            self.partitions.remove(&partition);
        }
        match self.consumer.context().failure.lock().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Stops reading, waits for unfinished records and commits. Polling continues during the wait, to
    /// keep the partitions.
    fn drain(mut self) -> Result<(), Error> {
        let deadline = Instant::now() + self.joining.settings.drain;
        let consumer = Arc::clone(&self.consumer);
        let assigned = consumer.assignment().map_err(Error::call("asking for the assignment"))?;
        consumer.pause(&assigned).map_err(Error::call("pausing"))?;
        while self.assignments.has_any_unfinished() && Instant::now() < deadline {
            // A record that was already fetched is left for the next owner.
            drop(consumer.poll(BUSY_POLL));
            self.follow_rebalance()?;
        }
        self.joining.committer.close();
        let timeouts = CommitTimeouts {
            current_batch: LAST_BATCH,
            further_batches: self.joining.settings.hand_over,
        };
        let committed = self
            .joining
            .committer
            .commit_last(&consumer, timeouts, || self.assignments.close_all());
        leave(&consumer);
        committed.map(drop)
    }
}

impl Drop for Source {
    /// Ends the committer's retries: without a source no commit can succeed.
    fn drop(&mut self) {
        self.joining.committer.close();
    }
}
