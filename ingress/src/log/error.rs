//! Error of the request log.

/// Postgres cannot be reached, or did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the request log cannot be reached; computing works without the log, try again later")]
pub(crate) struct Error(#[from] anyhow::Error);
