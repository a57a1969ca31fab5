//! Errors of the registry, and their classification for retries.

use std::error::Error as _;
use std::sync::Arc;

use abacus_schemas::{EncodeError, SchemaError, SchemaId};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

/// Error of a request to the registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry is unreachable or failing. A later attempt can succeed.
    #[error("the schema registry at {url} did not answer: {purpose}")]
    Unavailable {
        /// URL of the registry.
        url: String,
        /// Purpose of the request.
        purpose: String,
        /// Error of the client.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema of this version is not registered under the subject.
    #[error(
        "subject {subject} lacks this version's schema; `abacus-admin schemas register` adds it"
    )]
    NotRegistered {
        /// Subject of the lookup.
        subject: String,
    },
    /// The registry has another id for the schema of this version than at the start: the registry
    /// was emptied and filled again, or belongs to another system.
    #[error(
        "subject {subject} has this version's schema under id {now}, and had it under {before}; \
         restart this process if the registry was replaced"
    )]
    Replaced {
        /// Subject of the lookup.
        subject: String,
        /// Id at the start.
        before: SchemaId,
        /// Id of the latest answer.
        now: SchemaId,
    },
    /// The registry has no schema with this id.
    #[error("the registry has no schema {0}")]
    UnknownSchema(SchemaId),
    /// The registry refuses the schema of this version, because it breaks compatibility.
    #[error("the registry refuses the schema for {subject}")]
    Refused {
        /// Subject of the registration.
        subject: String,
        /// Answer of the registry.
        #[source]
        source: SRCError,
    },
    /// A schema in the registry can never be read as the event.
    #[error("schema {id}: {reason}")]
    Unusable {
        /// Id of the schema.
        id: SchemaId,
        /// Reason for people.
        reason: Arc<str>,
    },
    /// The compiled-in schema is invalid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The compiled-in schema is invalid.
    #[error(transparent)]
    Codec(#[from] EncodeError),
    /// Error of a concurrent request for the same schema.
    #[error(transparent)]
    Shared(Arc<Error>),
}

impl Error {
    /// Returns `true` if a later attempt can succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Shared(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Returns `true` if the registry lacks the schema of this version, or has the schema under
    /// another id: the registry is empty, or belongs to another system.
    pub fn is_not_registered(&self) -> bool {
        match self {
            Self::NotRegistered { .. } | Self::Replaced { .. } => true,
            Self::Shared(error) => error.is_not_registered(),
            _ => false,
        }
    }

    pub(crate) fn unavailable(
        url: &str,
        purpose: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable { url: url.to_owned(), purpose: purpose.into(), source: Box::new(source) }
    }
}

/// Returns the error number of the registry, for example 40403, if there is one.
fn error_code(error: &SRCError) -> Option<u32> {
    Some(error.source()?.downcast_ref::<RawError>()?.error_code)
}

/// Returns `true` for a missing subject, version or schema.
pub(crate) fn is_not_found(error: &SRCError) -> bool {
    matches!(error_code(error), Some(404 | 40400..=40499))
}

/// Returns `true` for an incompatible or invalid schema.
pub(crate) fn is_refusal(error: &SRCError) -> bool {
    matches!(error_code(error), Some(409 | 422 | 40900..=40999 | 42200..=42299))
}
