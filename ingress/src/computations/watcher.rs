//! The task that looks in the request log for the computations that somebody on this instance waits
//! for and that may be answered to another: one question for all of them, ten times a second, and
//! none while nobody waits. It never fails: while the log is away the waits go on.

use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::Shutdown;
use tokio::time::sleep;

use crate::computations::request_log::RequestLog;
use crate::exchange::waiters::Waiters;
use crate::metrics::Metrics;

/// From the end of one question to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// Watches until the shutdown.
pub(crate) async fn watch(
    waiters: Arc<Waiters>,
    log: Arc<RequestLog>,
    metrics: Metrics,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut is_away = false;
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => return Ok(()),
            asked = ask(&waiters, &log, &metrics) => is_away = note(&asked, is_away),
        }
    }
}

/// Asks once, as soon as there is something to ask for.
async fn ask(waiters: &Waiters, log: &RequestLog, metrics: &Metrics) -> anyhow::Result<()> {
    waiters.company().await;
    sleep(INTERVAL).await;
    let awaited = waiters.awaited();
    if awaited.all.is_empty() {
        return Ok(());
    }
    metrics.watcher_queries.inc();
    log.news(&awaited, |computation| waiters.answer_logged(computation)).await
}

/// An outage is said once. Whether there is one now.
fn note(asked: &anyhow::Result<()>, is_away: bool) -> bool {
    match asked {
        Ok(()) => {}
        Err(error) if is_away => tracing::debug!(error = format!("{error:#}"), "still away"),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the request log cannot be watched");
        }
    }
    asked.is_err()
}
