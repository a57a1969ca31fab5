//! Reasons for the end of the projection.

/// Reason for the end of the loop. An outage of Postgres or the registry does not end the loop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// A shutdown was requested.
    #[error("a shutdown was requested")]
    Requested,
    /// The Kafka client failed.
    #[error(transparent)]
    Kafka(#[from] abacus_kafka::Error),
    /// The client of the schema registry, or a decoder, could not be created.
    #[error(transparent)]
    Registry(#[from] abacus_registry::Error),
    /// A compiled-in schema is invalid.
    #[error(transparent)]
    Schema(#[from] abacus_schemas::SchemaError),
}
