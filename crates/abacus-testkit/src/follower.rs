//! Reading a whole topic while records are still being written.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::record::{Position, Record};
use crate::wait::BROKER_CALL;

/// Longest wait of one poll.
const POLL: Duration = Duration::from_millis(20);

/// A reader of a topic from its beginning. Keeps the records it has read.
pub struct Follower {
    consumer: BaseConsumer,
    topic: String,
    is_at_end: Vec<bool>,
    /// Offset after the last record read, by partition.
    next: Vec<i64>,
    records: Vec<Record>,
}

impl Follower {
    /// Assigns `consumer` the first `partitions` partitions of `topic`, from their beginning.
    pub(crate) fn new(consumer: BaseConsumer, topic: &str, partitions: i32) -> Self {
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assignment).expect("an assignment");
        let count = usize::try_from(partitions).unwrap();
        Self {
            consumer,
            topic: topic.to_owned(),
            is_at_end: vec![false; count],
            next: vec![0; count],
            records: Vec::new(),
        }
    }

    /// Reads all available records, with a short wait for the first one.
    pub fn poll(&mut self) -> &[Record] {
        let mut wait = POLL;
        while let Some(polled) = self.consumer.poll(wait) {
            wait = Duration::ZERO;
            match polled {
                Ok(message) => {
                    let record = to_record(&message);
                    let partition = usize::try_from(record.position.partition).unwrap();
                    self.next[partition] = record.position.offset + 1;
                    self.records.push(record);
                }
                Err(KafkaError::PartitionEOF(partition)) => {
                    self.is_at_end[usize::try_from(partition).unwrap()] = true;
                }
                // Expected while a broker is away.
                Err(error) if is_outage(&error) => {}
                Err(error) => eprintln!("reading {} goes on after: {error}", self.topic),
            }
        }
        &self.records
    }

    /// Reads until `probe` accepts the records read so far.
    #[track_caller]
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut probe: impl FnMut(&[Record]) -> Result<T, String>,
    ) -> T {
        let what = format!("{what} in {}", self.topic);
        crate::wait::wait_until(&what, patience, || probe(self.poll()))
    }

    /// Reads all available records. Returns the records read since the last call, and forgets them.
    pub fn take(&mut self) -> Vec<Record> {
        self.poll();
        std::mem::take(&mut self.records)
    }

    /// Reads all records that are in the topic now. Returns the records read since the last call of
    /// [`Follower::take`], and forgets them.
    #[track_caller]
    pub fn take_rest(&mut self) -> Vec<Record> {
        let mut assignment = TopicPartitionList::new();
        for (partition, next) in (0..).zip(&self.next) {
            assignment.add_partition_offset(&self.topic, partition, Offset::Offset(*next)).unwrap();
        }
        self.consumer.assign(&assignment).expect("an assignment");
        self.is_at_end.fill(false);
        let what = format!("the end of {}", self.topic);
        crate::wait::wait_until(&what, BROKER_CALL, || {
            self.poll();
            if self.is_at_end() { Ok(()) } else { Err(format!("{:?}", self.is_at_end)) }
        });
        std::mem::take(&mut self.records)
    }

    /// Offset after the last record read, by partition; 0 for none.
    pub fn next_offsets(&self) -> &[i64] {
        &self.next
    }

    /// Returns the records read so far, in the order of reading.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.is_at_end.iter().all(|is_at_end| *is_at_end)
    }
}

fn is_outage(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};
    matches!(error.rdkafka_error_code(), Some(AllBrokersDown | BrokerTransportFailure))
}

fn to_record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let owned = |header: Header<'_, &[u8]>| {
            (header.key.to_owned(), header.value.unwrap_or_default().to_vec())
        };
        headers.iter().map(owned).collect()
    });
    Record {
        position: Position { partition: message.partition(), offset: message.offset() },
        key: message.key().unwrap_or_default().to_vec(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers: headers.unwrap_or_default(),
    }
}
