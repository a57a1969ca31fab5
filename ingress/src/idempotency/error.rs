//! Why a key does not serve.

use crate::error::{Class, LogLevel};
use crate::problem::types::idempotency;

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "the `Idempotency-Key` {0}; send 1 to 255 characters, as a string in quotes or as a token"
    )]
    MalformedKey(&'static str),
    #[error("an `Idempotency-Key` belongs to somebody: send it with credentials, or leave it away")]
    NeedsCredentials,
    #[error(
        "the `Idempotency-Key` was used for another computation; use a new key for each computation"
    )]
    Reused,
    #[error("a batch takes no `Idempotency-Key`; send computations that need one by themselves")]
    NotForBatches,
    #[error("the keys cannot be looked up, and nothing was computed; try again with the same key")]
    Unavailable(#[source] anyhow::Error),
}

impl Error {
    /// What it is to callers and operators.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::MalformedKey(_) => idempotency::MALFORMED_IDEMPOTENCY_KEY.silent(),
            Self::NeedsCredentials => idempotency::IDEMPOTENCY_KEY_NEEDS_CREDENTIALS.silent(),
            Self::Reused => idempotency::IDEMPOTENCY_KEY_REUSED.silent(),
            Self::NotForBatches => idempotency::IDEMPOTENCY_KEY_NOT_FOR_BATCHES.silent(),
            Self::Unavailable(_) => idempotency::IDEMPOTENCY_UNAVAILABLE.logged(LogLevel::Warn),
        }
    }
}
