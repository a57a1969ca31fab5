//! What can go wrong between us and the cluster.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// A Kafka client could not be made, or can no longer go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are refused or the client cannot start.
    #[error("cannot create the Kafka client {client}")]
    Client {
        /// Which client.
        client: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A call to the cluster, or to librdkafka, failed.
    #[error("Kafka failed at {what}")]
    Call {
        /// What was called for.
        what: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A topic does not exist.
    #[error("topic {0} does not exist; `abacus-admin topics apply` creates it")]
    NoSuchTopic(String),
    /// The client reached a state that only a new process gets out of, such as being replaced by
    /// a newer instance of the same name.
    #[error("the Kafka client {client} cannot go on")]
    Fatal {
        /// Which client.
        client: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A record that must be written, and that Kafka will never take.
    #[error("Kafka refuses a record for {partition}")]
    Refused {
        /// Where it was to be written.
        partition: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A record was dropped without an outcome; only reading it again can help.
    #[error("a record was dropped without an outcome")]
    Abandoned,
    /// So many records are neither written nor given up.
    #[error("{0} records are not written")]
    Unwritten(usize),
    /// A thread of this crate could not be started.
    #[error("cannot start the thread {0}")]
    Thread(String, #[source] std::io::Error),
}

/// A record was not taken for sending. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// More is waiting to be sent than the producer may hold.
    #[error("the producer's queue is full")]
    QueueFull,
    /// The record is larger than the topic allows.
    #[error("the record is larger than the {MAX_RECORD_MIB} MiB that a topic takes")]
    TooLarge,
    /// Anything else that librdkafka refuses.
    #[error("the record was refused: {0}")]
    Refused(Code),
}

const MAX_RECORD_MIB: u32 = 8;

impl SendError {
    pub(crate) fn from_kafka(error: &KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(Code::QueueFull) => Self::QueueFull,
            Some(Code::MessageSizeTooLarge) => Self::TooLarge,
            Some(code) => Self::Refused(code),
            None => Self::Refused(Code::Unknown),
        }
    }
}

impl Error {
    pub(crate) fn client(client: &str) -> impl FnOnce(KafkaError) -> Self {
        move |source| Self::Client { client: client.to_owned(), source }
    }

    pub(crate) fn call(what: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        move |source| Self::Call { what: what.into(), source }
    }
}

/// Whether the same record would be refused again.
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTopic
            | Code::InvalidTimestamp
            | Code::PolicyViolation
            | Code::TopicAuthorizationFailed
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_refused_again_is_a_refusal() {
        assert!(is_refusal(Code::MessageSizeTooLarge) && is_refusal(Code::UnknownPartition));
        assert!(!is_refusal(Code::MessageTimedOut) && !is_refusal(Code::NotLeaderForPartition));
        assert!(!is_refusal(Code::PurgeQueue) && !is_refusal(Code::Fatal));
    }
}
