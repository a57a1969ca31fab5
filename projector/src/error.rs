//! Why the projection ends.

/// What ends the loop; an outage of Postgres or the registry does not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// As it should: somebody asked for it.
    #[error("a shutdown was requested")]
    Requested,
    /// The Kafka client cannot go on.
    #[error(transparent)]
    Kafka(#[from] abacus_kafka::Error),
    /// The schema registry's client, or a decoder, could not be made.
    #[error(transparent)]
    Registry(#[from] abacus_registry::Error),
    /// A compiled-in schema cannot be used.
    #[error(transparent)]
    Codec(#[from] abacus_schemas::EncodeError),
}
