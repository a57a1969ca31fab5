//! Reads the current content of a topic once: records up to the end of each partition at the start of
//! the scan, without a consumer group.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{CALL_TIMEOUT, KafkaConfig, POLL_INTERVAL};
use crate::context::Logging;
use crate::error::Error;
use crate::record::InboundRecord;
use crate::watermarks::watermarks;

/// Longest wait for a record before the end of the scan.
const STALL: Duration = Duration::from_secs(30);
/// librdkafka's read-ahead, in KiB: limits a tool's memory, apart from a record or two.
const READ_AHEAD_KIB: &str = "16384";

/// Start of a scan in each partition.
#[derive(Clone, Debug)]
pub enum ScanStart {
    /// The oldest record.
    Beginning,
    /// The first record written at or after this time, in milliseconds since the Unix epoch.
    Time(i64),
    /// These offsets by partition; the oldest record in all other partitions.
    Offsets(BTreeMap<i32, i64>),
}

/// A scan of a topic, from a start to the topic's end.
pub struct TopicScan {
    consumer: BaseConsumer<Logging>,
    topic: String,
    ends: BTreeMap<i32, i64>,
    unread: BTreeMap<i32, i64>,
}

impl TopicScan {
    /// Reads the end of each partition, and starts reading committed records. Blocks.
    pub fn open(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        start: &ScanStart,
    ) -> Result<Self, Error> {
        let consumer = connect(config, name, "read_committed")?;
        let partitions = partitions(&consumer, topic)?;
        let starts = starts(&consumer, topic, &partitions, start)?;
        let start = |partition| (partition, starts.get(&partition).copied().unwrap_or(0));
        Self::begin(consumer, topic, partitions.into_iter().map(start))
    }

    /// Reads the end of each partition in `starts`, and starts reading from these offsets. An open
    /// transaction does not end the scan: the records of open and of aborted transactions are read,
    /// too. Blocks.
    pub fn open_uncommitted(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        starts: BTreeMap<i32, i64>,
    ) -> Result<Self, Error> {
        Self::begin(connect(config, name, "read_uncommitted")?, topic, starts)
    }

    fn begin(
        consumer: BaseConsumer<Logging>,
        topic: &str,
        starts: impl IntoIterator<Item = (i32, i64)>,
    ) -> Result<Self, Error> {
        let mut scan = Self {
            consumer,
            topic: topic.to_owned(),
            ends: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let mut positions = BTreeMap::new();
        for (partition, start) in starts {
            let (first, end) = watermarks(&scan.consumer, topic, partition)?;
            scan.ends.insert(partition, end);
            let start = start.max(first);
            if start < end {
                scan.unread.insert(partition, end);
                positions.insert(partition, start);
            }
        }
        scan.assign(&positions)?;
        Ok(scan)
    }

    /// The end of each partition at the start of the scan.
    pub fn ends(&self) -> &BTreeMap<i32, i64> {
        &self.ends
    }

    /// Passes every record to `on_record`, until the end or a break. Blocks.
    pub fn run<E: From<Error>>(
        mut self,
        mut on_record: impl FnMut(&InboundRecord<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut deadline = Instant::now() + STALL;
        let mut trouble = KafkaError::MessageConsumption(RDKafkaErrorCode::MessageTimedOut);
        while !self.unread.is_empty() {
            match self.consumer.poll(POLL_INTERVAL) {
                None => {}
                Some(Ok(message)) => {
                    deadline = Instant::now() + STALL;
                    let record = InboundRecord::new(message);
                    let (partition, offset) = (record.partition(), record.offset());
                    let end = self.unread.get(&partition).copied();
                    if end.is_some_and(|end| offset < end) && on_record(&record)?.is_break() {
                        return Ok(());
                    }
                    drop(record);
                    if end.is_some_and(|end| offset + 1 >= end) {
                        self.finish(partition)?;
                    }
                }
                // The last offset may be a transaction marker instead of a record.
                Some(Err(KafkaError::PartitionEOF(partition))) => self.finish(partition)?,
                Some(Err(error)) => trouble = error,
            }
            if Instant::now() >= deadline {
                return Err(Error::call(format!("reading {}", self.topic))(trouble).into());
            }
        }
        Ok(())
    }

    fn finish(&mut self, partition: i32) -> Result<(), Error> {
        self.unread.remove(&partition);
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        self.consumer.pause(&list).map_err(Error::call("pausing"))
    }

    fn assign(&self, positions: &BTreeMap<i32, i64>) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in positions {
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))
                .map_err(Error::call("a position"))?;
        }
        self.consumer.assign(&list).map_err(Error::call(format!("positions in {}", self.topic)))
    }
}

/// Applies `read` to the record at one partition and offset. Returns `None` if the record is deleted
/// or not yet written. Blocks.
pub fn read_record<T>(
    config: &KafkaConfig,
    name: &str,
    topic: &str,
    (partition, offset): (i32, i64),
    read: impl FnOnce(&InboundRecord<'_>) -> T,
) -> Result<Option<T>, Error> {
    let consumer = connect(config, name, "read_committed")?;
    if !partitions(&consumer, topic)?.contains(&partition) {
        return Ok(None);
    }
    let (ends, unread) = (BTreeMap::new(), BTreeMap::from([(partition, offset + 1)]));
    let scan = TopicScan { consumer, topic: topic.to_owned(), ends, unread };
    let (first, end) = watermarks(&scan.consumer, topic, partition)?;
    if !(first..end).contains(&offset) {
        return Ok(None);
    }
    scan.assign(&BTreeMap::from([(partition, offset)]))?;
    let (mut read, mut found) = (Some(read), None);
    scan.run::<Error>(|record| {
        found = read.take().map(|read| read(record));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// Connects a consumer. rdkafka delivers no records without a group id; no offset is ever committed.
fn connect(
    config: &KafkaConfig,
    name: &str,
    isolation: &str,
) -> Result<BaseConsumer<Logging>, Error> {
    let own = [
        ("group.id", name),
        ("isolation.level", isolation),
        ("enable.partition.eof", "true"),
        ("queued.max.messages.kbytes", READ_AHEAD_KIB),
    ];
    let context = Logging { client: name.to_owned() };
    config.consumer(name, &own).create_with_context(context).map_err(Error::client(name))
}

fn partitions(consumer: &BaseConsumer<Logging>, topic: &str) -> Result<Vec<i32>, Error> {
    let metadata = consumer.fetch_metadata(Some(topic), CALL_TIMEOUT);
    let metadata = metadata.map_err(Error::call(format!("the partitions of {topic}")))?;
    match metadata.topics().iter().find(|found| found.name() == topic) {
        Some(found) if !found.partitions().is_empty() => {
            Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
        }
        _ => Err(Error::NoSuchTopic(topic.to_owned())),
    }
}

/// Returns the start offsets, except for partitions read from the beginning.
fn starts(
    consumer: &BaseConsumer<Logging>,
    topic: &str,
    partitions: &[i32],
    start: &ScanStart,
) -> Result<BTreeMap<i32, i64>, Error> {
    let time = match start {
        ScanStart::Beginning => return Ok(BTreeMap::new()),
        ScanStart::Offsets(offsets) => return Ok(offsets.clone()),
        ScanStart::Time(time) => *time,
    };
    let mut times = TopicPartitionList::new();
    for partition in partitions {
        times
            .add_partition_offset(topic, *partition, Offset::Offset(time))
            .map_err(Error::call("a time"))?;
    }
    let found = consumer.offsets_for_times(times, CALL_TIMEOUT);
    let found = found.map_err(Error::call(format!("the offsets of a time in {topic}")))?;
    let offset = |offset| match offset {
        Offset::Offset(offset) => offset,
        // The partition has no record at or after this time.
        _ => i64::MAX,
    };
    Ok(found.elements().iter().map(|e| (e.partition(), offset(e.offset()))).collect())
}
