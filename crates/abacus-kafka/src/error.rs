//! Errors of Kafka clients.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// A Kafka client cannot be created, or cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// librdkafka refuses the settings, or the client cannot start.
    #[error("cannot create the Kafka client {client}")]
    Client {
        /// Name of the client.
        client: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A call to the cluster, or to librdkafka, failed.
    #[error("Kafka failed at {what}")]
    Call {
        /// Purpose of the call.
        what: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A topic does not exist.
    #[error("topic {0} does not exist; `abacus-admin topics apply` creates it")]
    NoSuchTopic(String),
    /// Another process with the same name has fenced the client again and again.
    #[error(
        "another process runs under the name of the Kafka client {client}: each running instance needs \
         an ABACUS_INSTANCE_ID of its own"
    )]
    Rival {
        /// Name of the client.
        client: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// The client is in a fatal state. Only a new process recovers.
    #[error("the Kafka client {client} cannot continue")]
    Fatal {
        /// Name of the client.
        client: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// Kafka will never accept a record of the stream.
    #[error("Kafka refuses a record for {partition}")]
    Refused {
        /// Target partition.
        partition: String,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A writer of transactions has lost a connection. The broker may receive a lost request during a
    /// later transaction, so only a new writer may go on.
    #[error(
        "the Kafka client {0} has lost a connection; start again to go on from the last commit"
    )]
    LostConnection(String),
    /// A record was dropped without an outcome, and must be read again.
    #[error("a record was dropped without an outcome")]
    Abandoned,
    /// This many records are neither written nor given up.
    #[error("{0} records are not written")]
    Unwritten(usize),
    /// A thread cannot be started.
    #[error("cannot start the thread {0}")]
    Thread(String, #[source] std::io::Error),
}

/// A record was not queued for sending, and is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The producer's queue has reached its limit.
    #[error("the producer's queue is full")]
    QueueFull,
    /// The record is larger than the topic allows.
    #[error("the record is larger than the topic's limit of {MAX_RECORD_MIB} MiB")]
    TooLarge,
    /// librdkafka refuses the record for another reason.
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

/// True if Kafka would refuse the record again.
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
