//! Reasons for a request without a reply.

use abacus_kafka::SendError;
use abacus_registry::Error as RegistryError;
use abacus_schemas::{DecodeError, EncodeError};

use crate::outcome::RegisterError;

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The largest allowed number of requests wait.
    #[error("as many requests wait as this server may hold; try again in a moment")]
    Full,
    /// No broker is reachable.
    #[error("the event log cannot be reached; nothing was computed, try again in a moment")]
    Unreachable,
    /// The producer's queue is full.
    #[error("more requests than the event log takes are on their way; try again in a moment")]
    QueueFull,
    /// The record is larger than the event log accepts.
    #[error("the request is larger than the event log takes; send smaller operands")]
    TooLarge,
    /// The producer refused the record.
    #[error("the request was not taken by the event log; try again in a moment")]
    NotSent(#[source] SendError),
    /// The delivery of the record failed. After a time-out the record may be written all the same.
    #[error(
        "the request is not known to have been written to the event log; try again in a moment"
    )]
    NotWritten {
        /// The producer's error.
        reason: String,
    },
    /// Neither a reply nor an acknowledgement arrived in time.
    #[error("the event log did not confirm the request in time; try again in a moment")]
    Unconfirmed,
    /// The request does not fit the schema.
    #[error("the request could not be written as an event")]
    Encode(#[from] EncodeError),
    /// The reply cannot be decoded.
    #[error("the reply could not be read")]
    UnreadableReply(#[from] DecodeError),
    /// The reply is about another request.
    #[error("the reply is about another request")]
    MismatchedReply,
    /// The registry does not give the schema of the reply.
    #[error("the reply's schema could not be read")]
    UnknownReplySchema(#[source] RegistryError),
}

impl Error {
    /// Returns true if the request was not sent. No reply can arrive then.
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::Unreachable
                | Self::QueueFull
                | Self::TooLarge
                | Self::NotSent(_)
                | Self::Encode(_)
        )
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::QueueFull => Self::QueueFull,
            SendError::TooLarge => Self::TooLarge,
            SendError::Refused(_) => Self::NotSent(error),
        }
    }
}

impl From<RegisterError> for Error {
    fn from(reason: RegisterError) -> Self {
        match reason {
            RegisterError::Full => Self::Full,
            RegisterError::Taken => Self::Unconfirmed,
        }
    }
}
