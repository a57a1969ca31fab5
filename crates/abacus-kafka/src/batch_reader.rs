//! Reads topics in batches as a member of a consumer group. The start offsets come from the
//! service's database, where one transaction writes results and offsets.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::bindings::rd_kafka_resp_err_t as ResponseError;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::config::{CALL_TIMEOUT, KafkaConfig, POLL_INTERVAL};
use crate::context;
use crate::error::Error;
use crate::fencing::{AfterPoll, Fencings};
use crate::group_protocol::GroupProtocol;
use crate::membership::leave;
use crate::record::{InboundRecord, OwnedRecord, TopicPartition};
use crate::unreadable::{ReadMonitor, UnreadableBatch, Watch};

/// Supplies the start offset of each assigned partition.
pub trait StartOffsets: Send + Sync {
    /// Returns the next offset to read of each partition, in the order of `partitions`; `None` is the
    /// beginning. Runs on the polling thread at each assignment. May block until the store answers,
    /// within `max.poll.interval.ms` (five minutes).
    fn start_offsets(&self, partitions: &[TopicPartition]) -> Vec<Option<i64>>;
}

/// Settings of a batch reader.
#[derive(Clone, Debug)]
pub struct BatchSettings {
    /// The consumer group.
    pub group: String,
    /// Name of this instance.
    pub instance: String,
    /// Most records in a batch.
    pub max_records: usize,
    /// Bytes at which a batch is full.
    pub max_bytes: usize,
    /// Largest part of a key or a value that is copied, in bytes: the rest of a larger record is cut
    /// off.
    pub max_copied_bytes: usize,
    /// Longest wait of a batch's first record for more records.
    pub linger: Duration,
    /// Names of headers. A record keeps the last of these.
    pub headers: &'static [&'static str],
}

/// A consumer of batches.
pub struct BatchReader {
    member: RefCell<Member>,
    fencings: RefCell<Fencings>,
    joining: Joining,
    sought: SoughtOffsets,
}

/// A member of the group, and the observation of the member.
struct Member {
    consumer: Arc<BaseConsumer<Context>>,
    watch: Watch,
}

/// Creates the members of a reader.
struct Joining {
    config: KafkaConfig,
    settings: BatchSettings,
    topics: Vec<String>,
    start: Arc<dyn StartOffsets>,
    monitor: ReadMonitor,
}

/// The offset at which reading of a partition started last, by assignment or by a seek.
type SoughtOffsets = Arc<Mutex<HashMap<TopicPartition, i64>>>;

struct Context {
    name: String,
    start: Arc<dyn StartOffsets>,
    sought: SoughtOffsets,
}

impl BatchReader {
    /// Joins the group as a `read_committed` reader of `topics`.
    pub fn subscribe(
        config: &KafkaConfig,
        settings: BatchSettings,
        topics: &[&str],
        start: Arc<dyn StartOffsets>,
        monitor: ReadMonitor,
    ) -> Result<Self, Error> {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        let joining = Joining { config: config.clone(), settings, topics, start, monitor };
        let sought = SoughtOffsets::default();
        let member = RefCell::new(joining.join(&sought)?);
        Ok(Self { member, fencings: RefCell::default(), joining, sought })
    }

    fn consumer(&self) -> Arc<BaseConsumer<Context>> {
        Arc::clone(&self.member.borrow().consumer)
    }

    /// Returns the unreadable batches found since the last call, and continues after them. The
    /// caller stores the offset after each batch before the records of the next batch.
    pub fn skip_unreadable(&self) -> Result<Vec<UnreadableBatch>, Error> {
        let mut skipped = Vec::new();
        for batch in self.member.borrow().watch.take() {
            if self.position(&batch.partition)? == Some(batch.position) {
                let TopicPartition { topic, partition } = &batch.partition;
                self.seek(topic, *partition, batch.next)?;
                skipped.push(batch);
            }
        }
        Ok(skipped)
    }

    /// The next offset of a partition that is assigned.
    fn position(&self, partition: &TopicPartition) -> Result<Option<i64>, Error> {
        let positions = self.consumer().position().map_err(Error::call("the positions"))?;
        let found = positions.find_partition(&partition.topic, partition.partition);
        Ok(found.and_then(|element| match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => self.sought.lock().get(partition).copied(),
        }))
    }

    /// Returns the next batch, empty if no record came within the poll interval.
    pub fn next_batch(&self) -> Result<Vec<OwnedRecord>, Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut deadline = Instant::now() + POLL_INTERVAL;
        while batch.len() < self.joining.settings.max_records
            && bytes < self.joining.settings.max_bytes
        {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(record) = self.poll(left)? else {
                if Instant::now() >= deadline {
                    break;
                }
                continue;
            };
            if batch.is_empty() {
                deadline = Instant::now() + self.joining.settings.linger;
            }
            bytes += record.key.len() + record.payload.len();
            batch.push(record);
        }
        Ok(batch)
    }

    /// Polls for `time` with all partitions paused, to remain a member of the group while a batch
    /// cannot be stored.
    pub fn stay(&self, time: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + time;
        let paused = self.consumer().assignment().map_err(Error::call("the assignment"))?;
        self.consumer().pause(&paused).map_err(Error::call("pausing"))?;
        let result = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Ok(());
            }
            match self.poll(left) {
                // A newly assigned partition is not paused yet.
                Ok(Some(record)) => {
                    if let Err(error) = self.pause_at(&record) {
                        break Err(error);
                    }
                }
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        let assigned = self.consumer().assignment().map_err(Error::call("the assignment"))?;
        self.consumer().resume(&assigned).map_err(Error::call("resuming"))?;
        result
    }

    /// Pauses the partition of `record`, and seeks to the record: reading resumes there.
    fn pause_at(&self, record: &OwnedRecord) -> Result<(), Error> {
        let mut partition = TopicPartitionList::new();
        partition.add_partition(&record.topic, record.partition);
        self.consumer().pause(&partition).map_err(Error::call("pausing"))?;
        self.go_back_to(record)
    }

    /// Seeks to `record`, to read its partition again from there.
    pub fn go_back_to(&self, record: &OwnedRecord) -> Result<(), Error> {
        self.seek(&record.topic, record.partition, record.offset)
    }

    /// Seeks a partition to `offset`. Has no effect if the partition is no longer assigned.
    pub fn seek(&self, topic: &str, partition: i32, offset: i64) -> Result<(), Error> {
        let assignment = self.consumer().assignment().map_err(Error::call("the assignment"))?;
        if assignment.find_partition(topic, partition).is_none() {
            return Ok(());
        }
        self.consumer()
            .seek(topic, partition, Offset::Offset(offset), CALL_TIMEOUT)
            .map_err(Error::call(format!("seeking to {topic}/{partition}@{offset}")))?;
        let partition = TopicPartition { topic: topic.into(), partition };
        self.sought.lock().insert(partition, offset);
        Ok(())
    }

    /// Commits the store's offsets to the group, for lag monitors alone: the store's offsets are
    /// authoritative. Errors are logged.
    pub fn hint<'a>(&self, next_offsets: impl Iterator<Item = (&'a str, i32, i64)>) {
        let mut offsets = TopicPartitionList::new();
        for (topic, partition, next) in next_offsets {
            if let Err(error) = offsets.add_partition_offset(topic, partition, Offset::Offset(next))
            {
                tracing::warn!(error = %error, "cannot add an offset to the hint");
            }
        }
        if offsets.count() > 0
            && let Err(error) = self.consumer().commit(&offsets, CommitMode::Async)
        {
            tracing::warn!(error = %error, "the offset hint was refused");
        }
    }

    fn poll(&self, wait: Duration) -> Result<Option<OwnedRecord>, Error> {
        let consumer = self.consumer();
        match consumer.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => {
                let record = InboundRecord::new(message);
                let BatchSettings { max_copied_bytes, headers, .. } = self.joining.settings;
                Ok(Some(record.to_owned_record(max_copied_bytes, headers)))
            }
            Some(Err(error)) => {
                let name = &consumer.context().name;
                let after = self.fencings.borrow_mut().note_failed_poll(name, error)?;
                if after == AfterPoll::JoinAgain {
                    *self.member.borrow_mut() = self.joining.join(&self.sought)?;
                }
                Ok(None)
            }
        }
    }
}

impl Joining {
    /// Joins the group by a new consumer, and observes the consumer.
    fn join(&self, sought: &SoughtOffsets) -> Result<Member, Error> {
        let BatchSettings { group, instance, .. } = &self.settings;
        let name = format!("{group}-{instance}");
        let (start, sought) = (Arc::clone(&self.start), Arc::clone(sought));
        let context = Context { name: name.clone(), start, sought: Arc::clone(&sought) };
        let consumer: BaseConsumer<Context> = self
            .config
            .group_consumer(&name, group, GroupProtocol::Classic, &[])
            .create_with_context(context)
            .map_err(Error::client(&name))?;
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(Error::call("subscribing"))?;
        let consumer = Arc::new(consumer);
        let start = Box::new(move |partition: &_| sought.lock().get(partition).copied());
        let (config, monitor) = (self.config.clone(), self.monitor.clone());
        let watch = Watch::spawn(config, &name, &consumer, start, monitor)?;
        Ok(Member { consumer, watch })
    }
}

impl Drop for BatchReader {
    fn drop(&mut self) {
        leave(&self.consumer());
    }
}

impl Context {
    fn positions(&self, assigned: &TopicPartitionList) -> Result<TopicPartitionList, KafkaError> {
        let partitions = TopicPartition::all_of(assigned);
        let starts = self.start.start_offsets(&partitions);
        let mut positions = TopicPartitionList::with_capacity(partitions.len());
        for (partition, start) in partitions.iter().zip(starts) {
            self.sought.lock().insert(partition.clone(), start.unwrap_or(0));
            let start = start.map_or(Offset::Beginning, Offset::Offset);
            positions.add_partition_offset(&partition.topic, partition.partition, start)?;
        }
        tracing::info!(kafka.partitions = partitions.len(), "partitions assigned");
        Ok(positions)
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
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: ResponseError,
        partitions: &mut TopicPartitionList,
    ) {
        let done = if event == ResponseError::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.positions(partitions).and_then(|positions| consumer.incremental_assign(&positions))
        } else {
            tracing::info!(kafka.partitions = partitions.count(), "partitions revoked");
            // librdkafka keeps a partition paused over a revocation. After its return the partition
            // would never be read.
            consumer.resume(partitions).and_then(|()| consumer.incremental_unassign(partitions))
        };
        if let Err(error) = done {
            tracing::error!(kafka.client = self.name, error = %error, "rebalance failed");
        }
    }
}
