//! The time limit of a query to Postgres.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

/// Waits for the answer to a question within `limit`.
pub(crate) async fn answer_within<T>(
    limit: Duration,
    question: impl Future<Output = T>,
) -> anyhow::Result<T> {
    timeout(limit, question).await.context("no answer in time")
}
