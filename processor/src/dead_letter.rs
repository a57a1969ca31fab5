//! Records that cannot be requests, kept byte for byte with the reason.

use std::sync::Arc;

use abacus_kafka::{InboundRecord, OutboundRecord};
use abacus_schemas::headers;

/// Why a record is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The bytes are not a `ComputeRequested`.
    Malformed,
    /// The registry knows no such schema, or it describes something else.
    UnknownSchema,
    /// The request id is not a UUID.
    InvalidRequestId,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown-schema",
            Self::InvalidRequestId => "invalid-request-id",
        }
    }
}

/// A copy of a record, to be written to the dead-letter topic should it have to be.
pub(crate) struct Original {
    key: Vec<u8>,
    payload: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Original {
    pub(crate) fn of(record: &InboundRecord<'_>) -> Self {
        let mut headers: Vec<(String, Vec<u8>)> = record
            .headers()
            .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_vec()))
            .collect();
        headers.extend([
            (headers::ORIGIN_TOPIC.to_owned(), record.topic().into()),
            (headers::ORIGIN_PARTITION.to_owned(), record.partition().to_string().into_bytes()),
            (headers::ORIGIN_OFFSET.to_owned(), record.offset().to_string().into_bytes()),
        ]);
        Self { key: record.key().to_vec(), payload: record.payload().to_vec(), headers }
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
        OutboundRecord {
            topic: Arc::clone(topic),
            partition: None,
            key: self.key,
            payload: self.payload,
            headers: self.headers,
        }
    }
}
