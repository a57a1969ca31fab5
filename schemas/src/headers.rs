//! Kafka headers of requests, replies and dead letters. Reply headers have the names of this
//! project or of Spring, so a Spring or `SmallRye` client gets replies without a change.

/// Opaque bytes that a reply repeats.
pub const CORRELATION_ID: &str = "correlation-id";
/// Topic of the reply.
pub const REPLY_TOPIC: &str = "reply-topic";
/// Partition of the reply: four bytes, big-endian.
pub const REPLY_PARTITION: &str = "reply-partition";
/// Time at which the caller stops waiting: milliseconds since the Unix epoch, in decimal digits.
pub const DEADLINE_MS: &str = "deadline-ms";
/// W3C Trace Context of the caller.
pub const TRACEPARENT: &str = "traceparent";

/// Signature of a request, made by the ingress: see [`RecordKeys`](crate::RecordKeys).
pub const SIGNATURE: &str = "abacus-signature";

/// Digest of a request that its completion is too large to repeat: see
/// [`ContentDigest`](crate::ContentDigest).
pub const CONTENT_DIGEST: &str = "abacus-content-digest";

/// Class of the failure of a dead letter, stable.
pub const ERROR_CLASS: &str = "error-class";
/// Explanation of the failure of a dead letter.
pub const ERROR_MESSAGE: &str = "error-message";
/// Topic of the original record of a dead letter.
pub const ORIGIN_TOPIC: &str = "origin-topic";
/// Partition of the original record of a dead letter, in decimal digits.
pub const ORIGIN_PARTITION: &str = "origin-partition";
/// Offset of the original record of a dead letter, in decimal digits.
pub const ORIGIN_OFFSET: &str = "origin-offset";

/// Dead letter from which a record was replayed: `partition:offset` in decimal digits.
pub const REPLAYED_FROM: &str = "abacus-replayed-from";

const SPRING_CORRELATION_ID: &str = "kafka_correlationId";
const SPRING_REPLY_TOPIC: &str = "kafka_replyTopic";
const SPRING_REPLY_PARTITION: &str = "kafka_replyPartition";

/// Longest correlation id, in bytes. Longer ids are refused, because every reply repeats the id.
const MAX_CORRELATION_ID_BYTES: usize = 256;

/// Longest topic name in Kafka, in bytes.
const MAX_TOPIC_BYTES: usize = 249;

/// Longest trace context, in bytes. Version 00 of Trace Context has 55 bytes; later versions may
/// be longer.
const MAX_TRACEPARENT_BYTES: usize = 256;

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
    /// A reply without a correlation id could reach the wrong caller.
    #[error(
        "a reply topic is named, but no correlation id of 1 to {MAX_CORRELATION_ID_BYTES} bytes"
    )]
    /// The correlation id is missing, empty or too long. A reply without a correlation id could
    /// reach the wrong caller.
    CorrelationId,
    /// The topic name is not UTF-8, empty, or longer than Kafka allows.
    #[error("the reply topic is not a topic name")]
    Topic,
    /// The partition is not four bytes, or negative.
    #[error("the reply partition is not four big-endian bytes of a partition number")]
    Partition,
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
        let mut correlation = None;
        let mut topic = None;
        let mut partition = None;
        for (name, value) in headers {
            match name {
                CORRELATION_ID => correlation = value.map(|id| (id, CORRELATION_ID)),
                SPRING_CORRELATION_ID => correlation = value.map(|id| (id, SPRING_CORRELATION_ID)),
                REPLY_TOPIC | SPRING_REPLY_TOPIC => topic = value,
                REPLY_PARTITION | SPRING_REPLY_PARTITION => partition = value,
                _ => {}
            }
        }
        let Some(topic) = topic else { return Ok(None) };
        let (id, correlation_header) = correlation
            .filter(|(id, _)| (1..=MAX_CORRELATION_ID_BYTES).contains(&id.len()))
            .ok_or(InvalidReplyTo::CorrelationId)?;
        Ok(Some(Self {
            correlation_id: id.to_vec(),
            correlation_header,
            topic: topic_name(topic)?,
            partition: partition.map(partition_number).transpose()?,
        }))
    }

    /// Returns the headers that [`Self::from_headers`] reads.
    fn to_headers(&self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        let partition = self.partition.map(|number| (REPLY_PARTITION, number.to_be_bytes().into()));
        [
            (self.correlation_header, self.correlation_id.clone()),
            (REPLY_TOPIC, self.topic.clone().into_bytes()),
        ]
        .into_iter()
        .chain(partition)
    }
}

/// Returns `true` for a header of a waiting caller: reply destination or deadline.
pub fn is_wait_header(name: &str) -> bool {
    matches!(
        name,
        CORRELATION_ID
            | REPLY_TOPIC
            | REPLY_PARTITION
            | DEADLINE_MS
            | SPRING_CORRELATION_ID
            | SPRING_REPLY_TOPIC
            | SPRING_REPLY_PARTITION
    )
}

/// Returns the caller's deadline in milliseconds since the Unix epoch; `None` for a missing or
/// invalid header.
pub fn deadline_ms<'a>(
    mut headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> Option<i64> {
    let (_, value) = headers.find(|(name, _)| *name == DEADLINE_MS)?;
    std::str::from_utf8(value?).ok()?.parse().ok()
}

/// Returns the headers of a request that another lane will answer.
pub fn forwarded(
    reply_to: Option<&ReplyTo>,
    deadline_ms: Option<i64>,
    traceparent: Option<&[u8]>,
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let deadline = deadline_ms.map(|moment| (DEADLINE_MS, moment.to_string().into_bytes()));
    let trace = traceparent.map(|trace| (TRACEPARENT, trace.to_vec()));
    reply_to.into_iter().flat_map(ReplyTo::to_headers).chain(deadline).chain(trace)
}

/// Returns the trace context of the caller, unless too long.
pub fn traceparent<'a>(
    mut headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> Option<&'a [u8]> {
    let (_, value) = headers.find(|(name, _)| *name == TRACEPARENT)?;
    value.filter(|trace| trace.len() <= MAX_TRACEPARENT_BYTES)
}

fn topic_name(bytes: &[u8]) -> Result<String, InvalidReplyTo> {
    match std::str::from_utf8(bytes) {
        Ok(name) if (1..=MAX_TOPIC_BYTES).contains(&name.len()) => Ok(name.to_owned()),
        _ => Err(InvalidReplyTo::Topic),
    }
}

fn partition_number(bytes: &[u8]) -> Result<i32, InvalidReplyTo> {
    let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| InvalidReplyTo::Partition)?;
    let number = i32::from_be_bytes(bytes);
    if number >= 0 { Ok(number) } else { Err(InvalidReplyTo::Partition) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &[u8])]) -> Result<Option<ReplyTo>, InvalidReplyTo> {
        ReplyTo::from_headers(headers.iter().map(|(name, value)| (*name, Some(*value))))
    }

    #[test]
    fn no_reply_topic_asks_for_no_reply() {
        assert_eq!(read(&[(CORRELATION_ID, b"abc")]), Ok(None));
    }

    #[test]
    fn our_names_and_springs_say_the_same() {
        for names in [
            [CORRELATION_ID, REPLY_TOPIC, REPLY_PARTITION],
            [SPRING_CORRELATION_ID, SPRING_REPLY_TOPIC, SPRING_REPLY_PARTITION],
        ] {
            let reply =
                read(&[(names[0], b"abc"), (names[1], b"replies"), (names[2], &[0, 0, 1, 2])]);
            assert_eq!(
                reply,
                Ok(Some(ReplyTo {
                    correlation_id: b"abc".to_vec(),
                    correlation_header: if names[0] == CORRELATION_ID {
                        CORRELATION_ID
                    } else {
                        SPRING_CORRELATION_ID
                    },
                    topic: "replies".to_owned(),
                    partition: Some(258),
                }))
            );
        }
    }

    #[test]
    fn an_empty_or_missing_correlation_id_is_refused() {
        assert_eq!(read(&[(REPLY_TOPIC, b"t")]), Err(InvalidReplyTo::CorrelationId));
        assert_eq!(
            read(&[(REPLY_TOPIC, b"t"), (CORRELATION_ID, b"")]),
            Err(InvalidReplyTo::CorrelationId)
        );
    }

    #[test]
    fn a_partition_that_is_not_one_is_refused() {
        for bytes in [&b"7"[..], &[255, 255, 255, 255], &[0, 0, 0, 0, 0]] {
            let headers =
                [(REPLY_TOPIC, &b"t"[..]), (CORRELATION_ID, b"c"), (REPLY_PARTITION, bytes)];
            assert_eq!(read(&headers), Err(InvalidReplyTo::Partition));
        }
    }

    #[test]
    fn what_is_forwarded_reads_the_same() {
        for correlation_header in [CORRELATION_ID, SPRING_CORRELATION_ID] {
            for partition in [None, Some(70_000)] {
                let topic = "replies".to_owned();
                let correlation_id = b"abc".to_vec();
                let reply_to = ReplyTo { correlation_id, correlation_header, topic, partition };
                let sent: Vec<_> = forwarded(Some(&reply_to), Some(17), Some(b"trace")).collect();
                let received = || sent.iter().map(|(name, value)| (*name, Some(value.as_slice())));
                assert_eq!(ReplyTo::from_headers(received()), Ok(Some(reply_to)));
                assert_eq!(deadline_ms(received()), Some(17));
                assert_eq!(traceparent(received()), Some(&b"trace"[..]));
            }
        }
        assert_eq!(forwarded(None, None, None).count(), 0);
    }

    #[test]
    fn a_deadline_is_decimal_digits() {
        let read = |value: &'static [u8]| deadline_ms([(DEADLINE_MS, Some(value))].into_iter());
        assert_eq!(read(b"1700000000000"), Some(1_700_000_000_000));
        assert_eq!(read(b"soon"), None);
        assert_eq!(read(&[255]), None);
    }
}
