//! Time limit of queries, and the SQL for timestamps.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

/// Waits at most `limit` for the result of a query.
pub(super) async fn within<T>(
    limit: Duration,
    query: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, query).await.context("no answer in time").flatten()
}

/// Returns the SQL expression that formats the timestamp `column` as RFC 3339 in UTC, to the
/// microsecond.
pub(super) fn rfc3339(column: &str) -> String {
    format!(r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
}
