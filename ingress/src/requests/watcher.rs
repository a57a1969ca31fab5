//! Polls the request log for computations that callers of this instance await and another instance
//! may answer. One query covers all awaited computations, ten times a second. Without waiting
//! callers there is no query.
//!
//! The task never fails. While the log is unavailable, the waits continue.

use std::sync::Arc;
use std::time::Duration;

use abacus_exchange::LogProgress;
use abacus_runtime::Shutdown;
use tokio::time::sleep;

use super::service::RequestExchange;
use crate::log::{RequestLog, Status};
use crate::metrics::Metrics;

/// Pause before each query.
const QUERY_INTERVAL: Duration = Duration::from_millis(100);

/// Watches the log until the shutdown.
pub(crate) async fn watch(
    exchange: Arc<RequestExchange>,
    log: Arc<RequestLog>,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut is_away = false;
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => return Ok(()),
            result = poll_once(&exchange, &log, &metrics) => is_away = log_outage(&result, is_away),
        }
    }
}

/// Waits for the first waiting caller, then queries the log once.
async fn poll_once(
    exchange: &RequestExchange,
    log: &RequestLog,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    exchange.wait_for_attached().await;
    sleep(QUERY_INTERVAL).await;
    let awaited = exchange.awaited();
    if awaited.all.is_empty() {
        return Ok(());
    }
    metrics.watcher_queries.inc();
    let deliver = |request: crate::log::LoggedRequest| {
        exchange.answer_logged(request.request_id, progress(request.status), request);
    };
    log.find_awaited(&awaited.all, &awaited.unknown, deliver).await
}

/// Returns the progress of a request with this status in the log.
fn progress(status: Status) -> LogProgress {
    match status {
        Status::Pending => LogProgress::Known,
        Status::Succeeded | Status::Failed => LogProgress::Completed,
    }
}

/// Logs the beginning of an outage. Returns `true` while the log is unavailable.
fn log_outage(result: &anyhow::Result<()>, is_away: bool) -> bool {
    match result {
        Ok(()) => {}
        Err(error) if is_away => {
            tracing::debug!(error = format!("{error:#}"), "the request log is still unavailable");
        }
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "the request log is unavailable; waits continue"
            );
        }
    }
    result.is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_request_is_known_and_an_ended_request_is_completed() {
        for (status, expected) in [
            (Status::Pending, LogProgress::Known),
            (Status::Succeeded, LogProgress::Completed),
            (Status::Failed, LogProgress::Completed),
        ] {
            assert_eq!(progress(status), expected, "{status:?}");
        }
    }
}
