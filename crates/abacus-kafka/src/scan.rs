//! Reading what a topic holds now, once, as a tool does: without a group, up to the end that each
//! partition has at the start, what is committed only.

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

/// How long nothing may come, though the end has not been reached.
const STALL: Duration = Duration::from_secs(30);
/// What librdkafka reads ahead: a tool's memory is bounded by this and a record or two.
const READ_AHEAD_KIB: &str = "16384";

/// Where to begin in each partition.
#[derive(Clone, Debug)]
pub enum ScanStart {
    /// With the oldest record there is.
    Beginning,
    /// With the first record written at or after this time, in milliseconds since the Unix epoch.
    Time(i64),
    /// At these offsets by partition; partitions not named, with the oldest record.
    Offsets(BTreeMap<i32, i64>),
}

/// A topic about to be read from its beginning, or another place, to its end.
pub struct TopicScan {
    consumer: BaseConsumer<Logging>,
    topic: String,
    ends: BTreeMap<i32, i64>,
    unread: BTreeMap<i32, i64>,
}

impl TopicScan {
    /// Finds out where each partition ends, and begins to read. Blocks.
    pub fn open(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        start: &ScanStart,
    ) -> Result<Self, Error> {
        let consumer = connect(config, name)?;
        let partitions = partitions(&consumer, topic)?;
        let starts = starts(&consumer, topic, &partitions, start)?;
        let mut scan = Self {
            consumer,
            topic: topic.to_owned(),
            ends: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let mut positions = BTreeMap::new();
        for partition in partitions {
            let (first, end) = watermarks(&scan.consumer, topic, partition)?;
            scan.ends.insert(partition, end);
            let start = starts.get(&partition).map_or(first, |start| *start.max(&first));
            if start < end {
                scan.unread.insert(partition, end);
                positions.insert(partition, start);
            }
        }
        scan.assign(&positions)?;
        Ok(scan)
    }

    /// The end of each partition, as it was at the start.
    pub fn ends(&self) -> &BTreeMap<i32, i64> {
        &self.ends
    }

    /// Hands every record to `on_record`, until the end or until that breaks off. Blocks.
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
                    let place = (record.partition(), record.offset());
                    let end = self.unread.get(&place.0).copied();
                    if end.is_some_and(|end| place.1 < end) && on_record(&record)?.is_break() {
                        return Ok(());
                    }
                    drop(record);
                    if end.is_some_and(|end| place.1 + 1 >= end) {
                        self.finish(place.0)?;
                    }
                }
                // The end may be the mark of a transaction, which is no record.
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

/// What `read` makes of the record at one place; `None` if it is no longer there, or not yet.
/// Blocks.
pub fn read_record<T>(
    config: &KafkaConfig,
    name: &str,
    topic: &str,
    (partition, offset): (i32, i64),
    read: impl FnOnce(&InboundRecord<'_>) -> T,
) -> Result<Option<T>, Error> {
    let consumer = connect(config, name)?;
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

/// rdkafka delivers nothing without a group id; nothing is ever committed to it.
fn connect(config: &KafkaConfig, name: &str) -> Result<BaseConsumer<Logging>, Error> {
    let own = [
        ("group.id", name),
        ("isolation.level", "read_committed"),
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

/// Where to start, for partitions that are not to be read from their beginning.
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
        // Nothing as young is there.
        _ => i64::MAX,
    };
    Ok(found.elements().iter().map(|e| (e.partition(), offset(e.offset()))).collect())
}
