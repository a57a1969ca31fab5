//! Reads the revocations from Postgres, twice a second, over a dedicated connection.
//!
//! Transactions commit in any order, so a reader continuing from the latest row would miss rows. Each read
//! continues from the oldest transaction still open at the previous read (`pg_snapshot_xmin`): every row invisible to
//! the previous read has this transaction id or a later one. After a failed read, the feed reads all revocations again:
//! the next answer may come from another server with different transaction ids.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use abacus_runtime::{ReadinessGate, Shutdown};
use anyhow::Context as _;
use deadpool_postgres::{Object, Pool};
use tokio::time::sleep;
use tokio_postgres::Row;

use crate::deadline::answer_within;
use crate::metrics::Metrics;
use crate::revocations::{Ended, Freshness, Revocation, Revocations};

const INTERVAL: Duration = Duration::from_millis(500);
/// Time limit of a read; with the interval well below the bound.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit of a read of everything. The statement timeout of the connection must not be shorter.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(10);

const READ: &str = "
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS next,
           r.session_id, r.key_id, r.user_id, r.generation, r.spared, r.expires_at
      FROM (VALUES (1)) AS one
      LEFT JOIN revocations r ON r.written_by >= $1::text::xid8 AND r.expires_at > now()";

/// Start of the first read.
const BEGINNING: &str = "0";

/// The task for reading the revocations.
pub(crate) struct Feed {
    pub(crate) pool: Pool,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) metrics: Metrics,
    /// Readiness of identity; `None` if the service is useful without.
    pub(crate) gate: Option<ReadinessGate>,
}

impl Feed {
    /// Reads until the shutdown.
    pub(crate) async fn follow(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut next = BEGINNING.to_owned();
        let mut is_failing = false;
        loop {
            let result = self.step(&next).await;
            self.report(&mut is_failing, result.as_ref().err());
            next = result.unwrap_or_else(|_| BEGINNING.to_owned());
            tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                () = sleep(INTERVAL) => {}
            }
        }
    }

    /// Reads once. Returns the start of the next read.
    async fn step(&self, since: &str) -> anyhow::Result<String> {
        let began = Instant::now();
        let limit = if since == BEGINNING { LONG_TIMEOUT } else { TIMEOUT };
        let rows = answer_within(limit, self.query(since)).await??;
        let revocations: Vec<_> = rows.iter().map(revocation).collect::<Result<_, _>>()?;
        let next = rows.first().context("a row was expected")?.try_get("next")?;
        self.revocations.apply(revocations.into_iter().flatten());
        self.revocations.mark_read(began);
        let known = i64::try_from(self.revocations.len()).unwrap_or(i64::MAX);
        self.metrics.revocations.set(known);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.metrics.feed_read.set(since_epoch.as_secs_f64());
        Ok(next)
    }

    /// Returns the connection to the pool only after an answer: a connection with an unanswered question would delay
    /// the next question.
    async fn query(&self, since: &str) -> anyhow::Result<Vec<Row>> {
        let mut lease = Lease(Some(self.pool.get().await?));
        let rows = {
            let client = lease.0.as_ref().context("a connection is leased")?;
            let statement = client.prepare_cached(READ).await?;
            client.query(&statement, &[&since]).await?
        };
        drop(lease.0.take());
        Ok(rows)
    }

    /// Logs the beginning and the end of an outage.
    fn report(&self, is_failing: &mut bool, error: Option<&anyhow::Error>) {
        if error.is_some() {
            self.metrics.feed_failures.inc();
        }
        match &self.gate {
            Some(gate) if error.is_none() => gate.ready(),
            Some(gate) if self.revocations.freshness() == Freshness::Lost => {
                gate.not_ready("revocations cannot be read from Postgres");
            }
            _ => {}
        }
        match error {
            Some(error) if !*is_failing => {
                tracing::warn!(error = format!("{error:#}"), "revocations cannot be read");
            }
            None if *is_failing => tracing::info!("revocations are read again"),
            _ => {}
        }
        *is_failing = error.is_some();
    }
}

/// A connection, closed when dropped.
struct Lease(Option<Object>);

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

/// Reads a row; `None` for the placeholder of an empty result.
fn revocation(row: &Row) -> anyhow::Result<Option<Revocation>> {
    let Some(expires_at) = row.try_get("expires_at")? else { return Ok(None) };
    let ended = if let Some(id) = row.try_get("session_id")? {
        Ended::Session(id)
    } else if let Some(id) = row.try_get("key_id")? {
        Ended::ApiKey(id)
    } else {
        Ended::Before {
            user_id: row.try_get("user_id")?,
            generation: row.try_get("generation")?,
            spared: row.try_get("spared")?,
        }
    };
    Ok(Some(Revocation { ended, expires_at }))
}
