//! Queries for single requests in the request log.

use std::pin::pin;
use std::time::Duration;

use abacus_runtime::SecretString;
use abacus_schemas::CacheLevel;
use anyhow::Context as _;
use deadpool_postgres::{Client, Pool};
use futures_util::TryStreamExt as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::Error;
use super::pool::pool;
use super::query::{rfc3339, within};
use super::record::{Completion, ComputationFailure, ComputedResult, LoggedRequest, Status};

/// Time limit of one look-up, including the time to connect.
const TIMEOUT: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 8;
/// Connections for lists only: a slow list delays no look-up.
const LIST_CONNECTIONS: usize = 3;
/// Number of ids in one query for awaited requests.
const IDS_PER_QUERY: usize = 1_000;

/// Selects the completed requests of `$1`, and every request of `$2`, a subset of `$1`.
const AWAITED: &str =
    " WHERE request_id = ANY($1) AND (completed_at IS NOT NULL OR request_id = ANY($2))";

/// Selects the time of the newest request, in Unix milliseconds. No clock of a producer counts.
const NEWEST: &str = "
    SELECT coalesce((extract(epoch FROM max(newest_request)) * 1000)::bigint, 0) AS newest
      FROM projected_offsets";

/// The request log.
pub(crate) struct RequestLog {
    pool: Pool,
    lists: Pool,
    find: String,
    find_awaited: String,
}

impl RequestLog {
    /// Creates the pools; connections open on first use.
    pub(crate) fn new(url: &SecretString) -> anyhow::Result<Self> {
        let columns = columns();
        // A request from before the digests matches each completion of its id: take the first.
        let find =
            format!("{columns} WHERE request_id = $1 ORDER BY request_log.completed_at LIMIT 1");
        let find_awaited = format!("{columns}{AWAITED}");
        let lists = pool(url, LIST_CONNECTIONS, TIMEOUT)?;
        Ok(Self { pool: pool(url, CONNECTIONS, TIMEOUT)?, lists, find, find_awaited })
    }

    /// Returns the pool, for idempotency keys and accounts in the same database.
    pub(crate) fn connections(&self) -> Pool {
        self.pool.clone()
    }

    /// Returns a connection for a list. The server ends each statement after the time limit.
    pub(super) async fn list_connection(&self) -> anyhow::Result<Client> {
        Ok(self.lists.get().await?)
    }

    /// Returns the request with this id.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<LoggedRequest>, Error> {
        let row = within(TIMEOUT, self.query(id)).await?;
        Ok(row.map(|row| read(id, &row)).transpose()?)
    }

    async fn query(&self, id: Uuid) -> anyhow::Result<Option<Row>> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(&self.find).await?;
        Ok(client.query_opt(&statement, &[&id]).await?)
    }

    /// Returns the time of the newest request in the log, in Unix milliseconds; 0 for an empty log.
    pub(crate) async fn newest(&self) -> Result<u64, Error> {
        let query = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(NEWEST).await?;
            let newest: i64 = client.query_one(&statement, &[]).await?.try_get("newest")?;
            Ok(u64::try_from(newest).unwrap_or(0))
        };
        Ok(within(TIMEOUT, query).await?)
    }

    /// Passes every completed request of `ids`, and every request of `unknown`, to `deliver`. Reads
    /// the rows one by one, because results may be large. Logs and skips an unreadable row.
    pub(crate) async fn find_awaited(
        &self,
        ids: &[Uuid],
        unknown: &[Uuid],
        mut deliver: impl FnMut(LoggedRequest),
    ) -> anyhow::Result<()> {
        let connect = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(&self.find_awaited).await?;
            Ok((client, statement))
        };
        let (client, statement) = within(TIMEOUT, connect).await?;
        for ids in ids.chunks(IDS_PER_QUERY) {
            let rows = async { Ok(client.query_raw(&statement, [ids, unknown]).await?) };
            let mut rows = pin!(within(TIMEOUT, rows).await?);
            while let Some(row) = within(TIMEOUT, async { Ok(rows.try_next().await?) }).await? {
                let id = row.try_get("request_id")?;
                match read(id, &row) {
                    Ok(request) => deliver(request),
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::error!(request_id = %id, error, "a logged request cannot be read");
                    }
                }
            }
        }
        Ok(())
    }
}

/// Selects every column as text or integer, so the code depends on names and not on column types.
fn columns() -> String {
    format!(
        "SELECT request_id, requester::text, operation::text, operands::text, status::text, result::text, \
         digits::bigint, bits::bigint, error_code::text, error_message::text, compute_micros::bigint, \
         cache::text, {} AS requested_at, {} AS completed_at FROM request_log",
        rfc3339("recorded_at"),
        rfc3339("completed_at")
    )
}

fn read(id: Uuid, row: &Row) -> anyhow::Result<LoggedRequest> {
    let operands: String = row.try_get("operands")?;
    Ok(LoggedRequest {
        request_id: id,
        requester: row.try_get("requester")?,
        status: status(row)?,
        operation: row.try_get("operation")?,
        operands: serde_json::from_str(&operands).context("operands")?,
        result: result(row)?,
        failure: failure(row)?,
        requested_at: row.try_get("requested_at")?,
        completion: completion(row)?,
    })
}

pub(super) fn status(row: &Row) -> anyhow::Result<Status> {
    let name = row.try_get("status")?;
    Status::from_name(name)
        .with_context(|| format!("the request log has the unknown status {name:?}"))
}

fn result(row: &Row) -> anyhow::Result<Option<ComputedResult>> {
    let Some(text) = row.try_get("result")? else { return Ok(None) };
    Ok(Some(ComputedResult { text, digits: row.try_get("digits")?, bits: row.try_get("bits")? }))
}

pub(super) fn failure(row: &Row) -> anyhow::Result<Option<ComputationFailure>> {
    let code: Option<String> = row.try_get("error_code")?;
    let message: Option<String> = row.try_get("error_message")?;
    Ok(code.map(|code| ComputationFailure { code, message: message.unwrap_or_default() }))
}

fn completion(row: &Row) -> anyhow::Result<Option<Completion>> {
    let Some(completed_at) = row.try_get("completed_at")? else { return Ok(None) };
    let cache: Option<&str> = row.try_get("cache")?;
    Ok(Some(Completion {
        completed_at,
        compute_micros: row.try_get::<_, Option<i64>>("compute_micros")?.unwrap_or(0),
        cache: cache.map_or(CacheLevel::None, cache_level),
    }))
}

fn cache_level(symbol: &str) -> CacheLevel {
    let levels = [CacheLevel::Memory, CacheLevel::Redis];
    let found = levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(symbol));
    found.unwrap_or(CacheLevel::None)
}
