//! The one way in which the log fails.

/// Postgres cannot be reached, or did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the request log cannot be reached; computing works without it, try again later")]
pub(crate) struct Error(#[from] anyhow::Error);
