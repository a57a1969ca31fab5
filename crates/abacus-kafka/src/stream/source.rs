//! The polling half of a stream: one thread that polls, hands records out and follows rebalances.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::StreamSettings;
use super::committer::{Committer, Patience};
use super::lane::{Amount, Lane, Ticket};
use super::lanes::Lanes;
use super::metrics::Metrics;
use crate::config::{CALL_TIMEOUT, KafkaConfig, POLL_INTERVAL};
use crate::context;
use crate::error::Error;
use crate::failpoint;
use crate::record::{InboundRecord, TopicPartition};

/// How soon a loop with something to look after polls again.
const BUSY_POLL: Duration = Duration::from_millis(5);

/// How long, at shutdown, a share under way is waited for before the last ones are begun.
const LAST_SHARE: Duration = Duration::from_secs(2);

/// What becomes of a record.
pub trait Handler {
    /// Takes a record; called on the polling thread, so it must be quick. The ticket is to be
    /// finished, here or later.
    fn on_record(&self, record: &InboundRecord<'_>, ticket: Ticket);

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
    lanes: Arc<Lanes>,
    assigned: Vec<Assigned>,
    /// Where in `assigned` the last record went: records of a partition come in runs.
    last: usize,
    /// What one partition may have pending.
    backlog: Amount,
    settings: StreamSettings,
    metrics: Metrics,
}

struct Assigned {
    partition: TopicPartition,
    lane: Arc<Lane>,
    /// The offset after the last record that came.
    next_offset: i64,
    is_paused: bool,
}

/// Follows rebalances; runs inside `poll`, on the polling thread.
pub(super) struct Context {
    name: String,
    lanes: Arc<Lanes>,
    committer: Arc<Committer>,
    hand_over: Duration,
    metrics: Metrics,
    /// Every partition is paused, those to come as well.
    is_closed: AtomicBool,
    /// Told to the source when `poll` returns.
    revoked: Mutex<Vec<TopicPartition>>,
    failure: Mutex<Option<Error>>,
}

impl Source {
    pub(super) fn connect(
        config: &KafkaConfig,
        settings: StreamSettings,
        lanes: Arc<Lanes>,
        committer: Arc<Committer>,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let name = format!("{}-{}", settings.group, settings.instance);
        let context = Context {
            name: name.clone(),
            lanes: Arc::clone(&lanes),
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
        Ok(Self { consumer, committer, lanes, assigned, last: 0, backlog, settings, metrics })
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
        let is_any_paused = self.is_closed() || self.resume_relieved()?;
        let consumer = Arc::clone(&self.consumer);
        let polled = consumer.poll(if is_any_paused { BUSY_POLL } else { POLL_INTERVAL });
        self.follow_rebalance()?;
        if self.lanes.is_abandoned() {
            return Err(Error::Abandoned);
        }
        match polled {
            None => {}
            Some(Ok(message)) => {
                let ticket = self.receive(&message)?;
                handler.on_record(&InboundRecord::new(message), ticket);
            }
            Some(Err(source @ KafkaError::MessageConsumptionFatal(_))) => {
                return Err(Error::Fatal { client: consumer.context().name.clone(), source });
            }
            // The context has heard of it too, and logged it.
            Some(Err(error)) => tracing::debug!(error = %error, "polling goes on"),
        }
        Ok(())
    }

    fn receive(&mut self, message: &impl Message) -> Result<Ticket, Error> {
        failpoint::reach("stream::received");
        self.metrics.received.inc();
        let limit = self.backlog;
        let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
        let assigned = self.assigned(message.topic(), message.partition());
        let (ticket, pending) = assigned.lane.receive(message.offset(), bytes);
        assigned.next_offset = message.offset() + 1;
        if !assigned.is_paused && pending.reaches(limit) {
            assigned.is_paused = true;
            let list = to_list([&assigned.partition]);
            self.consumer.pause(&list).map_err(Error::call("pausing"))?;
            self.metrics.paused.inc();
        }
        Ok(ticket)
    }

    fn is_closed(&self) -> bool {
        self.consumer.context().is_closed.load(Ordering::Relaxed)
    }

    /// Pauses every partition, or resumes all that have no reason of their own to be paused.
    fn open_or_close(&mut self, is_accepting: bool) -> Result<(), Error> {
        if is_accepting != self.is_closed() {
            return Ok(());
        }
        self.consumer.context().is_closed.store(!is_accepting, Ordering::Relaxed);
        self.metrics.closed.set(i64::from(!is_accepting));
        let assignment = self.consumer.assignment().map_err(Error::call("the assignment"))?;
        if !is_accepting {
            return self.consumer.pause(&assignment).map_err(Error::call("pausing"));
        }
        self.consumer.resume(&assignment).map_err(Error::call("resuming"))?;
        let (paused, others): (Vec<_>, Vec<_>) =
            self.assigned.iter().partition(|assigned| assigned.is_paused);
        let paused = to_list(paused.iter().map(|assigned| &assigned.partition));
        self.consumer.pause(&paused).map_err(Error::call("pausing"))?;
        resume(&self.consumer, &others)
    }

    /// The lane of a partition; its first record since the assignment opens it.
    fn assigned(&mut self, topic: &str, partition: i32) -> &mut Assigned {
        let is_it = |assigned: &Assigned| {
            assigned.partition.partition == partition && &*assigned.partition.topic == topic
        };
        if !self.assigned.get(self.last).is_some_and(is_it) {
            self.last = self.assigned.iter().position(is_it).unwrap_or(self.assigned.len());
        }
        if self.last == self.assigned.len() {
            let partition = TopicPartition { topic: topic.into(), partition };
            let lane = self.lanes.open(partition.clone());
            self.assigned.push(Assigned { partition, lane, next_offset: 0, is_paused: false });
        }
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        &mut self.assigned[self.last]
    }

    /// Resumes paused partitions that have caught up by half; true if some are still paused.
    fn resume_relieved(&mut self) -> Result<bool, Error> {
        let relieved = self.backlog.half();
        let mut resumed = Vec::new();
        let mut is_any_paused = false;
        for assigned in self.assigned.iter_mut().filter(|assigned| assigned.is_paused) {
            if assigned.lane.pending().exceeds(relieved) {
                is_any_paused = true;
                continue;
            }
            assigned.is_paused = false;
            self.metrics.paused.dec();
            resumed.push(&*assigned);
        }
        resume(&self.consumer, &resumed)?;
        Ok(is_any_paused)
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

    /// Goes back to the committed offsets after a failed transaction; false if that did not work.
    fn has_rewound(&mut self) -> bool {
        self.metrics.paused.set(0);
        self.assigned.clear();
        let rewound = match self.committed_offsets() {
            Ok(Some(committed)) => self.go_back_to(committed),
            Ok(None) => return false,
            Err(error) => Err(error),
        };
        match &rewound {
            Ok(()) => self.metrics.rewinds.inc(),
            Err(error) => {
                tracing::warn!(error = error as &dyn std::error::Error, "{error}; trying again");
            }
        }
        rewound.is_ok()
    }

    /// Where the group is, once every transaction is settled; `None` while one is not.
    fn committed_offsets(&self) -> Result<Option<TopicPartitionList>, Error> {
        let asked = self.committer.between_transactions(POLL_INTERVAL, || {
            self.lanes.close_all();
            let assignment = self.consumer.assignment()?;
            self.consumer.committed_offsets(assignment, CALL_TIMEOUT)
        });
        asked.transpose().map_err(Error::call("asking for the committed offsets"))
    }

    fn go_back_to(&self, mut committed: TopicPartitionList) -> Result<(), Error> {
        if committed.count() == 0 {
            return Ok(());
        }
        let going_back = || Error::call("going back to the committed offsets");
        from_the_beginning_where_unset(&mut committed).map_err(going_back())?;
        let sought = self.consumer.seek_partitions(committed, CALL_TIMEOUT).map_err(going_back())?;
        for element in sought.elements() {
            element.error().map_err(going_back())?;
        }
        self.consumer.resume(&sought).map_err(Error::call("resuming"))?;
        // Found out anew by the next step.
        self.consumer.context().is_closed.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Reads no further, waits for the work under way and commits it. Polling goes on meanwhile,
    /// so that the partitions stay ours.
    fn drain(mut self) -> Result<(), Error> {
        let deadline = Instant::now() + self.settings.drain;
        let consumer = Arc::clone(&self.consumer);
        let assignment = consumer.assignment().map_err(Error::call("asking for the assignment"))?;
        consumer.pause(&assignment).map_err(Error::call("pausing"))?;
        while self.lanes.has_any_unfinished() && Instant::now() < deadline {
            // A record that was already on its way is left for the next owner.
            drop(consumer.poll(BUSY_POLL));
            self.follow_rebalance()?;
        }
        self.committer.close();
        let lanes = Arc::clone(&self.lanes);
        let patience = Patience { before: LAST_SHARE, shares: self.settings.hand_over };
        self.committer.commit_last(&consumer, patience, || lanes.close_all()).map(|_| ())
    }
}

impl Drop for Source {
    /// The committer holds the consumer, whose context holds the committer.
    fn drop(&mut self) {
        self.committer.close();
    }
}

/// Nothing was ever committed for a partition without an offset. One whose offset could not be
/// read is an error: to begin it anew would do everything in it twice.
fn from_the_beginning_where_unset(offsets: &mut TopicPartitionList) -> KafkaResult<()> {
    let mut unset = Vec::new();
    for element in offsets.elements() {
        element.error()?;
        match element.offset() {
            Offset::Offset(_) => {}
            Offset::Invalid => unset.push((element.topic().to_owned(), element.partition())),
            _ => return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::InvalidArgument)),
        }
    }
    for (topic, partition) in unset {
        offsets.set_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    Ok(())
}

impl Context {
    /// Waits a little for the work under way, commits it, and closes the lanes before anybody else
    /// is given the partitions.
    fn hand_over(&self, consumer: &BaseConsumer<Self>, partitions: &[TopicPartition]) {
        if consumer.assignment_lost() {
            // Whatever we would still commit, the broker refuses: we are no longer of the group.
            tracing::warn!("partitions were lost; their work is done again elsewhere");
            self.lanes.close(partitions);
            return;
        }
        let deadline = Instant::now() + self.hand_over;
        while self.lanes.has_unfinished(partitions) && Instant::now() < deadline {
            std::thread::park_timeout(BUSY_POLL);
        }
        let patience = Patience { before: self.hand_over, shares: self.hand_over };
        let committed = self.committer.commit_last(consumer, patience, || {
            self.lanes.close(partitions);
        });
        if let Err(error) = committed {
            *self.failure.lock() = Some(error);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::error(&self.name, &error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                tracing::info!(kafka.partitions = list.count(), "partitions assigned");
                self.metrics.assigned.add(i64::try_from(list.count()).unwrap_or(0));
            }
            Rebalance::Revoke(list) => {
                let partitions = TopicPartition::all_of(list);
                tracing::info!(kafka.partitions = partitions.len(), "partitions revoked");
                self.metrics.assigned.sub(i64::try_from(partitions.len()).unwrap_or(0));
                self.hand_over(consumer, &partitions);
                self.revoked.lock().extend(partitions);
                // librdkafka keeps a partition paused over a revocation; should it come back, it
                // would never be read.
                if let Err(error) = consumer.resume(list) {
                    tracing::warn!(error = %error, "revoked partitions cannot be resumed");
                }
            }
            Rebalance::Error(error) => tracing::warn!(error = %error, "rebalance failed"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance
            && self.is_closed.load(Ordering::Relaxed)
            && let Err(error) = consumer.pause(list)
        {
            tracing::warn!(error = %error, "new partitions cannot be paused");
        }
    }
}

/// Resumes, and seeks to where it stopped. While all partitions of a broker are paused, librdkafka's
/// thread for that broker sleeps up to a second, and only the seek wakes it (2.12.1).
fn resume(consumer: &BaseConsumer<Context>, assigned: &[&Assigned]) -> Result<(), Error> {
    if assigned.is_empty() {
        return Ok(());
    }
    let list = to_list(assigned.iter().map(|assigned| &assigned.partition));
    consumer.resume(&list).map_err(Error::call("resuming"))?;
    let mut positions = TopicPartitionList::with_capacity(assigned.len());
    for Assigned { partition, next_offset, .. } in assigned {
        let next = Offset::Offset(*next_offset);
        positions
            .add_partition_offset(&partition.topic, partition.partition, next)
            .map_err(Error::call("resuming"))?;
    }
    // Without a time to wait for, it is done when librdkafka comes to it.
    consumer.seek_partitions(positions, Duration::ZERO).map_err(Error::call("resuming"))?;
    Ok(())
}

fn to_list<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.partition);
    }
    list
}
