//! Dead letters: unreadable records, kept byte for byte with the reason.

mod limit;

use std::sync::Arc;

use abacus_kafka::{InboundRecord, OutboundRecord, TopicPartition, UnreadableBatch};
use abacus_schemas::headers;
use abacus_schemas::topics::MAX_VALUE_BYTES;

pub(crate) use limit::{DeadLetterCount, DeadLetterLimits, RecordPosition};

/// The class of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The bytes are not a `ComputeRequested`.
    Malformed,
    /// The registry does not know the schema, or the schema describes another type.
    UnknownSchema,
    /// The request id is not a UUID.
    InvalidRequestId,
    /// The record exceeds a limit of decoding.
    TooLarge,
    /// No client can read the batch of the record, so the dead letter has no content.
    UnreadableBatch,
}

impl Class {
    pub(crate) const ALL: [Self; 5] = [
        Self::Malformed,
        Self::UnknownSchema,
        Self::InvalidRequestId,
        Self::TooLarge,
        Self::UnreadableBatch,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown-schema",
            Self::InvalidRequestId => "invalid-request-id",
            Self::TooLarge => "too-large",
            Self::UnreadableBatch => "unreadable-batch",
        }
    }
}

/// Headers added at the end: three for the origin, two for the error.
const ADDED_HEADERS: usize = 5;
/// Upper bound for the text of a partition and an offset, in bytes.
const MAX_POSITION_BYTES: usize = 32;

/// A copy of a record with its origin, for a possible dead letter.
pub(crate) struct OriginalRecord {
    key: Vec<u8>,
    payload: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl OriginalRecord {
    pub(crate) fn of(record: &InboundRecord<'_>) -> Self {
        let mut headers: Vec<(String, Vec<u8>)> = record
            .headers()
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_vec()))
            .collect();
        headers.extend(origin(record.topic(), record.partition(), record.offset()));
        Self { key: record.key().to_vec(), payload: record.payload().to_vec(), headers }
    }

    /// Keeps the origin of a record that is too large for a copy.
    pub(crate) fn without_content(record: &InboundRecord<'_>) -> Self {
        let mut headers: Vec<(String, Vec<u8>)> = record
            .headers()
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(name, value)| is_replay_position(name, value))
            .map(|(name, value)| (name.to_owned(), value.to_vec()))
            .collect();
        headers.extend(origin(record.topic(), record.partition(), record.offset()));
        Self { key: Vec::new(), payload: Vec::new(), headers }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The first record of an unreadable batch: a position without content.
    pub(crate) fn of_unreadable(batch: &UnreadableBatch) -> Self {
        let TopicPartition { topic, partition } = &batch.partition;
        let headers = origin(topic, *partition, batch.offset).into();
        Self { key: Vec::new(), payload: Vec::new(), headers }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn into_dead_letter(
        mut self,
        topic: &Arc<str>,
        class: Class,
        message: &str,
    ) -> OutboundRecord {
        self.headers.push((headers::ERROR_CLASS.to_owned(), class.as_str().into()));
        self.headers.push((headers::ERROR_MESSAGE.to_owned(), message.into()));
        let dead_letter = OutboundRecord {
            topic: Arc::clone(topic),
            partition: None,
            key: self.key,
            payload: self.payload,
            headers: self.headers,
        };
        if dead_letter.size() <= MAX_VALUE_BYTES {
            dead_letter
        } else {
            without_content(dead_letter)
        }
    }
}

/// Returns the headers that name the origin of a record.
fn origin(topic: &str, partition: i32, offset: i64) -> [(String, Vec<u8>); 3] {
    [
        (headers::ORIGIN_TOPIC.to_owned(), topic.into()),
        (headers::ORIGIN_PARTITION.to_owned(), partition.to_string().into_bytes()),
        (headers::ORIGIN_OFFSET.to_owned(), offset.to_string().into_bytes()),
    ]
}

/// Returns `true` for a header of the original that a dead letter without content keeps.
fn is_replay_position(name: &str, value: &[u8]) -> bool {
    name == headers::REPLAYED_FROM && value.len() <= MAX_POSITION_BYTES
}

/// Removes the content of a dead letter above the topic's limit; a compressed original may exceed the
/// limit. The headers keep the position of the original record, where the content remains, and the
/// position of the dead letter that a replayed record came from.
fn without_content(dead_letter: OutboundRecord) -> OutboundRecord {
    tracing::error!(
        bytes = dead_letter.size(),
        "the dead letter exceeds the limit of its topic; its content is dropped"
    );
    let original = dead_letter.headers.len().saturating_sub(ADDED_HEADERS);
    let is_kept = |(index, (name, value)): &(usize, (String, Vec<u8>))| {
        *index >= original || is_replay_position(name, value)
    };
    let kept =
        dead_letter.headers.into_iter().enumerate().filter(is_kept).map(|(_, header)| header);
    OutboundRecord { key: Vec::new(), payload: Vec::new(), headers: kept.collect(), ..dead_letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_that_does_not_fit_keeps_where_it_came_from_and_why() {
        let original = OriginalRecord {
            key: b"key".to_vec(),
            payload: vec![0; MAX_VALUE_BYTES],
            headers: vec![
                ("theirs".to_owned(), b"x".to_vec()),
                (headers::REPLAYED_FROM.to_owned(), vec![b'9'; 1000]),
                (headers::REPLAYED_FROM.to_owned(), b"0:17".to_vec()),
                (headers::ORIGIN_TOPIC.to_owned(), b"requested".to_vec()),
                (headers::ORIGIN_PARTITION.to_owned(), b"1".to_vec()),
                (headers::ORIGIN_OFFSET.to_owned(), b"2".to_vec()),
            ],
        };
        let dead_letter = original.into_dead_letter(&"dead".into(), Class::Malformed, "why");
        let names: Vec<_> = dead_letter.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                headers::REPLAYED_FROM,
                headers::ORIGIN_TOPIC,
                headers::ORIGIN_PARTITION,
                headers::ORIGIN_OFFSET,
                headers::ERROR_CLASS,
                headers::ERROR_MESSAGE
            ]
        );
        assert!(dead_letter.payload.is_empty());
    }
}
