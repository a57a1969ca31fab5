//! What can go wrong with the registry, and whether trying again can help.

use std::error::Error as _;
use std::sync::Arc;

use abacus_schemas::{EncodeError, SchemaError, SchemaId};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

/// A question to the registry that was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry could not be reached or is not well. Trying again can help.
    #[error("the schema registry at {url} did not answer: {what}")]
    Unavailable {
        /// Where it should be.
        url: String,
        /// What was asked.
        what: String,
        /// The client's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Our schema is not registered under the subject.
    #[error(
        "subject {subject} lacks this version's schema; `abacus-admin schemas register` adds it"
    )]
    NotRegistered {
        /// The subject looked under.
        subject: String,
    },
    /// The registry knows no schema of this id.
    #[error("the registry knows no schema {0}")]
    UnknownSchema(SchemaId),
    /// The registry does not take our schema, as it breaks compatibility.
    #[error("the registry refuses the schema for {subject}")]
    Refused {
        /// The subject to register under.
        subject: String,
        /// The registry's reason.
        #[source]
        source: SRCError,
    },
    /// The registry has a schema that can never be read as the event.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The compiled-in schema cannot be used.
    #[error(transparent)]
    Codec(#[from] EncodeError),
    /// What became of the same question, asked by another at the same time.
    #[error(transparent)]
    Shared(Arc<Error>),
}

impl Error {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Shared(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the registry lacks our own schema, and so is empty, or another system's.
    pub fn is_not_registered(&self) -> bool {
        match self {
            Self::NotRegistered { .. } => true,
            Self::Shared(error) => error.is_not_registered(),
            _ => false,
        }
    }

    pub(crate) fn unavailable(
        url: &str,
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable { url: url.to_owned(), what: what.into(), source: Box::new(source) }
    }
}

/// The registry's own error number, such as 40403, where it gave one.
fn error_code(error: &SRCError) -> Option<u32> {
    Some(error.source()?.downcast_ref::<RawError>()?.error_code)
}

/// Whether the registry answered that it has no such subject, version or schema.
pub(crate) fn is_not_found(error: &SRCError) -> bool {
    matches!(error_code(error), Some(404 | 40400..=40499))
}

/// Whether the registry answered that the schema is incompatible or invalid.
pub(crate) fn is_refusal(error: &SRCError) -> bool {
    matches!(error_code(error), Some(409 | 422 | 40900..=40999 | 42200..=42299))
}
