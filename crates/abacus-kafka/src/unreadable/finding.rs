//! The result of reading a partition at one offset, and the classes of consumer errors.

use rdkafka::error::RDKafkaErrorCode as Code;

/// The result of reading a partition at one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// A record came.
    Delivered,
    /// No record came, and the offset is the end of the partition.
    Readable,
    /// The batch at the offset cannot be read.
    Unreadable {
        /// First offset of the batch, if the error names it.
        base: Option<i64>,
        error: String,
    },
    /// The partition cannot be read, and its records are not the cause: for example a missing
    /// permission.
    Refused(String),
    /// Nothing is known, for example because no broker answers.
    Unknown,
}

impl Finding {
    /// Returns true for an error that names an unreadable batch. Without such an error, the client has
    /// received nothing for a while, as also happens on a slow machine.
    pub(super) fn is_certain(&self) -> bool {
        matches!(self, Self::Unreadable { base: Some(_), .. })
    }
}

/// The class of a consumer error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// The content of the partition is the cause. Reading again gives the error again.
    Content,
    /// The broker refuses the partition. An operator has to act.
    Refusal,
    /// The connection or the cluster is the cause.
    Passing,
}

impl ErrorClass {
    pub(super) fn of(code: Code) -> Self {
        match code {
            Code::BadMessage
            | Code::BadCompression
            | Code::NotImplemented
            | Code::Underflow
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::MessageSizeTooLarge
            | Code::UnsupportedCompressionType => Self::Content,
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition => Self::Refusal,
            _ => Self::Passing,
        }
    }
}

/// Returns the batch's first offset from librdkafka's text of an error, for example
/// `Decompression (codec 0x4) of message at 17 of 99 bytes failed`.
pub(super) fn base_offset(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "at");
    words.next()?;
    let word = match words.next()? {
        "offset" => words.next()?,
        word => word,
    };
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offset_of_a_batch_is_read_from_each_text() {
        let texts = [
            "Decompression (codec 0x4) of message at 17 of 99 bytes failed: Local: Not implemented",
            "MessageSet at offset 17 (99 bytes) failed CRC32C check (original 0x1 != calculated 0x2)",
            "Unsupported Message(Set) MagicByte 9 at offset 17",
            "Message at offset 17 might be too large to fetch, try increasing receive.message.max.bytes",
        ];
        for text in texts {
            assert_eq!(base_offset(text), Some(17), "{text}");
        }
        for text in ["", "at", "at offset", "at once", "127.0.0.1:9092/1: Disconnected"] {
            assert_eq!(base_offset(text), None, "{text}");
        }
    }

    #[test]
    fn only_errors_of_content_can_skip_a_record() {
        assert_eq!(ErrorClass::of(Code::NotImplemented), ErrorClass::Content);
        assert_eq!(ErrorClass::of(Code::BadCompression), ErrorClass::Content);
        assert_eq!(ErrorClass::of(Code::TopicAuthorizationFailed), ErrorClass::Refusal);
        for code in [Code::AllBrokersDown, Code::BrokerTransportFailure, Code::RequestTimedOut] {
            assert_eq!(ErrorClass::of(code), ErrorClass::Passing);
        }
    }
}
