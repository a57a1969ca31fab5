//! Reads of the request log in Postgres. Nothing is asked of it until somebody looks something up:
//! the pool connects on first use, and computing never comes here.

use std::pin::pin;
use std::time::Duration;

use abacus_schemas::CacheLevel;
use anyhow::Context as _;
use deadpool_postgres::{Client, Pool};
use futures_util::TryStreamExt as _;
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::computations::computation::{
    CompletionMembers, Computation, ErrorMembers, ResultMembers, Status, cache_name,
};
use crate::error::Error;
use crate::exchange::attached::Awaited;
use crate::postgres::{self, PostgresConfig};

/// How long a look-up may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 8;
/// For lists, which may take long, so that they keep nobody else waiting.
const LIST_CONNECTIONS: usize = 3;
/// For how many ids news are asked at a time.
const CHUNK: usize = 1_000;

/// Every column as text or integer, so that this depends on the view's names and not on its types.
const COLUMNS: &str = r#"
    SELECT request_id, requester::text, operation::text, operands::text, status::text, result::text, digits::bigint,
           bits::bigint, error_code::text, error_message::text, compute_micros::bigint, cache::text,
           to_char(requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS requested_at,
           to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS completed_at
      FROM request_log"#;

/// What has ended of `$1`, and whatever is there of `$2`, which are some of them.
const NEWS: &str =
    " WHERE request_id = ANY($1) AND (completed_at IS NOT NULL OR request_id = ANY($2))";

/// When the newest request was made, in Unix milliseconds.
const NEWEST: &str = "
    SELECT coalesce((extract(epoch FROM max(requested_at)) * 1000)::bigint, 0) AS newest
      FROM compute_requested";

/// The request log.
pub(crate) struct RequestLog {
    pool: Pool,
    lists: Pool,
    find: String,
    news: String,
}

impl RequestLog {
    /// Connects on first use.
    pub(crate) fn new(config: &PostgresConfig) -> anyhow::Result<Self> {
        let find = format!("{COLUMNS} WHERE request_id = $1");
        let news = format!("{COLUMNS}{NEWS}");
        let lists = postgres::pool(config, LIST_CONNECTIONS, TIMEOUT)?;
        Ok(Self { pool: postgres::pool(config, CONNECTIONS, TIMEOUT)?, lists, find, news })
    }

    /// The connections, for others who ask the same database.
    pub(crate) fn connections(&self) -> Pool {
        self.pool.clone()
    }

    /// A connection for a list, whose statements end themselves in time.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        Ok(self.lists.get().await?)
    }

    /// The computation known as `id`.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Computation>, Error> {
        let found = timeout(TIMEOUT, self.query(id)).await;
        let row = found.context("no answer in time").flatten().map_err(Error::LogUnavailable)?;
        let read = row.map(|row| read(id, &row)).transpose();
        read.map_err(Error::LogUnavailable)
    }

    async fn query(&self, id: Uuid) -> anyhow::Result<Option<Row>> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(&self.find).await?;
        Ok(client.query_opt(&statement, &[&id]).await?)
    }

    /// When the newest request was made that the log has, in Unix milliseconds.
    pub(crate) async fn newest(&self) -> Result<u64, Error> {
        let ask = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(NEWEST).await?;
            let newest: i64 = client.query_one(&statement, &[]).await?.try_get("newest")?;
            Ok(u64::try_from(newest).unwrap_or(0))
        };
        let newest = timeout(TIMEOUT, ask).await.context("no answer in time");
        newest.flatten().map_err(Error::LogUnavailable)
    }

    /// Hands over what is new of `awaited`, one by one, as results may be large. A row that cannot be
    /// read is passed over: the others' waits are not its affair.
    pub(crate) async fn news(
        &self,
        awaited: &Awaited,
        mut deliver: impl FnMut(Computation),
    ) -> anyhow::Result<()> {
        let client = timeout(TIMEOUT, self.pool.get()).await??;
        let statement = timeout(TIMEOUT, client.prepare_cached(&self.news)).await??;
        for ids in awaited.all.chunks(CHUNK) {
            let parameters = [ids, awaited.unknown.as_slice()];
            let rows = timeout(TIMEOUT, client.query_raw(&statement, parameters)).await??;
            let mut rows = pin!(rows);
            while let Some(row) = timeout(TIMEOUT, rows.try_next()).await?? {
                let id = row.try_get("request_id")?;
                match read(id, &row) {
                    Ok(computation) => deliver(computation),
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

fn read(id: Uuid, row: &Row) -> anyhow::Result<Computation> {
    let operands: String = row.try_get("operands")?;
    Ok(Computation {
        request_id: id,
        status: status(row.try_get("status")?)?,
        operation: row.try_get("operation")?,
        operands: serde_json::from_str(&operands).context("operands")?,
        result: result(row)?,
        error: error(row)?,
        requested_at: row.try_get("requested_at")?,
        completion: completion(row)?,
        cache_status: None,
        requester: row.try_get("requester")?,
    })
}

/// The status of that name.
pub(crate) fn status(name: &str) -> anyhow::Result<Status> {
    match name {
        "pending" => Ok(Status::Pending),
        "succeeded" => Ok(Status::Succeeded),
        "failed" => Ok(Status::Failed),
        other => anyhow::bail!("the request log has the unknown status {other:?}"),
    }
}

fn result(row: &Row) -> anyhow::Result<Option<ResultMembers>> {
    let Some(result) = row.try_get("result")? else { return Ok(None) };
    let (digits, bits) = (row.try_get("digits")?, row.try_get("bits")?);
    Ok(Some(ResultMembers::whole(result, digits, bits)))
}

fn error(row: &Row) -> anyhow::Result<Option<ErrorMembers>> {
    let code: Option<String> = row.try_get("error_code")?;
    let message: Option<String> = row.try_get("error_message")?;
    Ok(code.map(|code| ErrorMembers { code, message: message.unwrap_or_default() }))
}

fn completion(row: &Row) -> anyhow::Result<Option<CompletionMembers>> {
    let Some(completed_at) = row.try_get("completed_at")? else { return Ok(None) };
    let cache: Option<&str> = row.try_get("cache")?;
    Ok(Some(CompletionMembers {
        completed_at,
        compute_micros: row.try_get::<_, Option<i64>>("compute_micros")?.unwrap_or(0),
        cache: cache_name(cache.map_or(CacheLevel::None, cache_level)),
    }))
}

fn cache_level(symbol: &str) -> CacheLevel {
    let levels = [CacheLevel::Memory, CacheLevel::Redis];
    let found = levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(symbol));
    found.unwrap_or(CacheLevel::None)
}
