//! Inbound and outbound records: keys, values, headers and positions, as bytes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedHeaders};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Timestamp, TopicPartitionList};

/// A partition of a topic. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Name of the topic.
    pub topic: Arc<str>,
    /// Number of the partition.
    pub partition: i32,
}

impl TopicPartition {
    /// The partitions of a librdkafka list, in order.
    pub(crate) fn all_of(list: &TopicPartitionList) -> Vec<Self> {
        let elements = list.elements();
        let partition = |element: &TopicPartitionListElem<'_>| Self {
            topic: element.topic().into(),
            partition: element.partition(),
        };
        elements.iter().map(partition).collect()
    }

    /// A librdkafka list of `partitions`, without offsets.
    pub(crate) fn list_of<'a>(
        partitions: impl IntoIterator<Item = &'a Self>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for Self { topic, partition } in partitions {
            list.add_partition(topic, *partition);
        }
        list
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A header to send.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Name of the header.
    pub name: &'a str,
    /// Value of the header.
    pub value: &'a [u8],
}

/// A received record in librdkafka's memory.
pub struct InboundRecord<'a> {
    message: BorrowedMessage<'a>,
}

impl<'a> InboundRecord<'a> {
    pub(crate) fn new(message: BorrowedMessage<'a>) -> Self {
        Self { message }
    }

    /// Topic of the record.
    pub fn topic(&self) -> &str {
        self.message.topic()
    }

    /// Partition of the record.
    pub fn partition(&self) -> i32 {
        self.message.partition()
    }

    /// Offset in the partition.
    pub fn offset(&self) -> i64 {
        self.message.offset()
    }

    /// Time of writing, in milliseconds since the Unix epoch.
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.message.timestamp().to_millis()
    }

    /// Time of the record, with its clock. `None` for a record without a time.
    pub fn time(&self) -> Option<RecordTime> {
        match self.message.timestamp() {
            Timestamp::NotAvailable => None,
            Timestamp::CreateTime(ms) => Some(RecordTime::Created(ms)),
            Timestamp::LogAppendTime(ms) => Some(RecordTime::Appended(ms)),
        }
    }

    /// The key, empty if the record has none.
    pub fn key(&self) -> &[u8] {
        self.message.key().unwrap_or_default()
    }

    /// The value, empty if the record has none.
    pub fn payload(&self) -> &[u8] {
        self.message.payload().unwrap_or_default()
    }

    /// The headers in order. A name may occur more than once.
    pub fn headers(&self) -> Result<RecordHeaders<'_>, UnreadableHeaders> {
        let Some(headers) = self.message.headers() else { return Ok(Vec::new()) };
        let header = |index| headers.try_get(index).map(|header| (header.key, header.value));
        // rdkafka panics on a header name outside UTF-8, and any producer may write such a name.
        catch_unwind(AssertUnwindSafe(|| (0..headers.count()).filter_map(header).collect()))
            .map_err(|_| UnreadableHeaders)
    }

    /// Value of the last header named `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.last_header(&[name])
    }

    /// Value of the last header with one of `names`.
    fn last_header(&self, names: &[&str]) -> Option<&[u8]> {
        let headers = self.message.headers()?;
        let value = |index| headers.try_get(index).filter(|header| names.contains(&header.key));
        // See `headers` for the panic.
        let found = catch_unwind(AssertUnwindSafe(|| (0..headers.count()).rev().find_map(value)));
        found.ok().flatten().and_then(|header| header.value)
    }

    /// Copies the record out of librdkafka's memory, with the last header of `headers`. Copies at most
    /// `max_bytes` of the key, of the value, and of the header.
    pub fn to_owned_record(&self, max_bytes: usize, headers: &[&str]) -> OwnedRecord {
        let copy = |bytes: &[u8]| bytes.get(..max_bytes).unwrap_or(bytes).to_vec();
        OwnedRecord {
            topic: self.topic().to_owned(),
            partition: self.partition(),
            offset: self.offset(),
            time: self.time(),
            header: self.last_header(headers).map(copy),
            key: copy(self.key()),
            payload: copy(self.payload()),
        }
    }
}

/// Time of a record, in milliseconds since the Unix epoch. The setting `message.timestamp.type` of
/// the topic chooses the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordTime {
    /// By the clock of the producer: any number.
    Created(i64),
    /// By the clock of the broker that appended the record.
    Appended(i64),
}

/// Names and values of headers, in order.
pub type RecordHeaders<'a> = Vec<(&'a str, Option<&'a [u8]>)>;

/// The name of a header is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header's name is not UTF-8")]
pub struct UnreadableHeaders;

/// A copy of a received record, with one header at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Topic of the record.
    pub topic: String,
    /// Partition of the record.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// Time of the record; `None` for a record without a time.
    pub time: Option<RecordTime>,
    /// Value of the last header in the settings of the reader, if the record has such a header.
    pub header: Option<Vec<u8>>,
    /// The key, empty if the record had none.
    pub key: Vec<u8>,
    /// The value, empty if the record had none.
    pub payload: Vec<u8>,
}

/// A record to publish. A stream writes the record in the transaction of its source record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundRecord {
    /// Target topic.
    pub topic: Arc<str>,
    /// Target partition; `None` chooses by key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl OutboundRecord {
    /// Size of key, value and headers in bytes.
    pub fn size(&self) -> usize {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.payload.len() + headers
    }
}

pub(crate) fn to_kafka_headers<'a>(
    headers: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
) -> OwnedHeaders {
    let none = OwnedHeaders::new_with_capacity(headers.len());
    headers.fold(none, |all, (key, value)| {
        all.insert(rdkafka::message::Header { key, value: Some(value) })
    })
}
