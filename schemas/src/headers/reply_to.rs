//! Destination of a reply.
//!
//! The headers of a request may have the names of this project, of Spring and `NestJS`, or of
//! `SmallRye` and Quarkus. The last reply topic decides about the names; a header that is missing
//! under these names is looked up under the others. The reply carries the correlation id under the
//! name of the request's header.

use super::names::{REPLY_NAMES, REPLY_PARTITION, REPLY_TOPIC, ReplyNames};

/// Longest correlation id, in bytes. Longer ids are refused, because every reply repeats the id.
const MAX_CORRELATION_ID_BYTES: usize = 256;

/// Longest topic name in Kafka, in bytes.
const MAX_TOPIC_BYTES: usize = 249;

/// Destination of a reply, from the headers of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// Bytes that the reply repeats, never empty.
    pub correlation_id: Vec<u8>,
    /// Name of the correlation header in the request and in the reply.
    pub correlation_header: &'static str,
    /// Topic of the reply. Untrusted: compare with an allow-list.
    pub topic: String,
    /// Partition of the reply; with `None` the producer chooses.
    pub partition: Option<i32>,
}

/// Invalid reply headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReplyTo {
    /// The correlation id is missing, empty or too long. A reply without a correlation id could
    /// reach the wrong caller.
    #[error(
        "a reply topic is named, but no correlation id of 1 to {MAX_CORRELATION_ID_BYTES} bytes"
    )]
    CorrelationId,
    /// The topic name is not UTF-8, empty, or longer than Kafka allows.
    #[error("the reply topic is not a topic name")]
    Topic,
    /// The partition is neither four bytes nor decimal digits, or is negative.
    #[error("the reply partition is neither four big-endian bytes nor decimal digits")]
    Partition,
}

/// Values of the reply headers under the names of one family of clients.
#[derive(Clone, Copy, Default)]
struct Values<'a> {
    correlation_id: Option<&'a [u8]>,
    partition: Option<&'a [u8]>,
}

impl ReplyTo {
    /// Reads the reply headers. Returns `Ok(None)` for a request without a reply topic.
    ///
    /// ```
    /// use abacus_schemas::headers::{CORRELATION_ID, REPLY_TOPIC, ReplyTo};
    ///
    /// let headers = [(CORRELATION_ID, Some(&b"7"[..])), (REPLY_TOPIC, Some(&b"my-replies"[..]))];
    /// let reply_to = ReplyTo::from_headers(headers.into_iter())?.expect("a reply topic is named");
    /// assert_eq!((reply_to.topic.as_str(), reply_to.partition), ("my-replies", None));
    /// # Ok::<(), abacus_schemas::headers::InvalidReplyTo>(())
    /// ```
    pub fn from_headers<'a>(
        headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Result<Option<Self>, InvalidReplyTo> {
        let mut families = REPLY_NAMES.map(|names| (names, Values::default()));
        let mut topic = None;
        let mut named_by = 0;
        for (name, value) in headers {
            for (family, (names, values)) in families.iter_mut().enumerate() {
                if name == names.correlation_id {
                    values.correlation_id = value;
                } else if name == names.partition {
                    values.partition = value;
                } else if name == names.topic {
                    (topic, named_by) = (value, family);
                }
            }
        }
        let Some(topic) = topic else { return Ok(None) };
        families.rotate_left(named_by);
        let (names, id) = families
            .iter()
            .find_map(|(names, values)| Some((names, values.correlation_id?)))
            .filter(|(_, id)| (1..=MAX_CORRELATION_ID_BYTES).contains(&id.len()))
            .ok_or(InvalidReplyTo::CorrelationId)?;
        let partition = families.iter().find_map(|(_, values)| values.partition);
        Ok(Some(Self {
            correlation_id: id.to_vec(),
            correlation_header: names.correlation_id,
            topic: topic_name(topic)?,
            partition: partition.map(partition_number).transpose()?,
        }))
    }

    /// Returns the headers that [`Self::from_headers`] reads.
    pub(super) fn to_headers(&self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        let partition = self.partition.map(|number| (REPLY_PARTITION, number.to_be_bytes().into()));
        [
            (self.correlation_header, self.correlation_id.clone()),
            (REPLY_TOPIC, self.topic.clone().into_bytes()),
        ]
        .into_iter()
        .chain(partition)
    }
}

/// Returns `true` for a header that names the destination of a reply.
pub(super) fn is_reply_header(name: &str) -> bool {
    let names = |names: &ReplyNames| {
        name == names.correlation_id || name == names.topic || name == names.partition
    };
    REPLY_NAMES.iter().any(names)
}

fn topic_name(bytes: &[u8]) -> Result<String, InvalidReplyTo> {
    match std::str::from_utf8(bytes) {
        Ok(name) if (1..=MAX_TOPIC_BYTES).contains(&name.len()) => Ok(name.to_owned()),
        _ => Err(InvalidReplyTo::Topic),
    }
}

/// Reads a partition: decimal digits from `NestJS`, four big-endian bytes from the other clients.
/// Four digits are digits, because as an integer they exceed the partitions of any topic.
fn partition_number(bytes: &[u8]) -> Result<i32, InvalidReplyTo> {
    let number = if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit) {
        std::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok())
    } else {
        <[u8; 4]>::try_from(bytes).ok().map(i32::from_be_bytes)
    };
    number.filter(|number| *number >= 0).ok_or(InvalidReplyTo::Partition)
}

#[cfg(test)]
mod tests;
