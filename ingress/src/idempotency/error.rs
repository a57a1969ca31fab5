//! Why a key does not serve.

use crate::error::Class;

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
    #[rustfmt::skip]
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::MalformedKey(_) => Class::silent(400, "malformed-idempotency-key", "The idempotency key cannot be read"),
            Self::NeedsCredentials => Class::silent(400, "idempotency-key-needs-credentials", "An idempotency key needs credentials"),
            Self::Reused => Class::silent(422, "idempotency-key-reused", "The idempotency key stands for another computation"),
            Self::NotForBatches => Class::silent(400, "idempotency-key-not-for-batches", "A batch takes no idempotency key"),
            Self::Unavailable(_) => Class::warned(503, "idempotency-unavailable", "Idempotency keys are away"),
        }
    }
}
