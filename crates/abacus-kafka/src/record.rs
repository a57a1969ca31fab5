//! Records as they come in and go out: bytes and coordinates, no meaning.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rdkafka::TopicPartitionList;
use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedHeaders};
use rdkafka::topic_partition_list::TopicPartitionListElem;

/// A partition of a topic. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
}

impl TopicPartition {
    /// The partitions of a list of librdkafka's, in its order.
    pub(crate) fn all_of(list: &TopicPartitionList) -> Vec<Self> {
        let elements = list.elements();
        let partition = |element: &TopicPartitionListElem<'_>| Self {
            topic: element.topic().into(),
            partition: element.partition(),
        };
        elements.iter().map(partition).collect()
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
    /// The header's name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a [u8],
}

/// A record just read, still in librdkafka's memory.
pub struct InboundRecord<'a> {
    message: BorrowedMessage<'a>,
}

impl<'a> InboundRecord<'a> {
    pub(crate) fn new(message: BorrowedMessage<'a>) -> Self {
        Self { message }
    }

    /// The topic it was read from.
    pub fn topic(&self) -> &str {
        self.message.topic()
    }

    /// The partition it was read from.
    pub fn partition(&self) -> i32 {
        self.message.partition()
    }

    /// Its place in the partition.
    pub fn offset(&self) -> i64 {
        self.message.offset()
    }

    /// When it was written, in milliseconds since the Unix epoch.
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.message.timestamp().to_millis()
    }

    /// The key; empty if there is none.
    pub fn key(&self) -> &[u8] {
        self.message.key().unwrap_or_default()
    }

    /// The value; empty if there is none.
    pub fn payload(&self) -> &[u8] {
        self.message.payload().unwrap_or_default()
    }

    /// The headers in their order; a name may come more than once.
    pub fn headers(&self) -> Result<RecordHeaders<'_>, UnreadableHeaders> {
        let Some(headers) = self.message.headers() else { return Ok(Vec::new()) };
        let header = |index| headers.try_get(index).map(|header| (header.key, header.value));
        // rdkafka panics on a name that is not UTF-8. Whoever can write to the topic can write one.
        catch_unwind(AssertUnwindSafe(|| (0..headers.count()).filter_map(header).collect()))
            .map_err(|_| UnreadableHeaders)
    }

    /// The value of the first header called `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let headers = self.headers().ok()?;
        headers.into_iter().find(|(key, _)| *key == name).and_then(|(_, value)| value)
    }

    /// A copy that outlives librdkafka's.
    pub fn to_owned_record(&self) -> OwnedRecord {
        OwnedRecord {
            topic: self.topic().to_owned(),
            partition: self.partition(),
            offset: self.offset(),
            key: self.key().to_vec(),
            payload: self.payload().to_vec(),
        }
    }
}

/// Names and values, in their order.
pub type RecordHeaders<'a> = Vec<(&'a str, Option<&'a [u8]>)>;

/// A header's name is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header's name is not UTF-8")]
pub struct UnreadableHeaders;

/// A record just read, copied; without its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The topic it was read from.
    pub topic: String,
    /// The partition it was read from.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// The key; empty if there was none.
    pub key: Vec<u8>,
    /// The value; empty if there was none.
    pub payload: Vec<u8>,
}

/// A record to be written later, with the transaction that commits its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundRecord {
    /// The topic to write to.
    pub topic: Arc<str>,
    /// The partition to write to; `None` leaves it to the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl OutboundRecord {
    /// Bytes of key, value and headers.
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
