//! Pages of a list of requests, newest first.
//!
//! Both indexes of `compute_requested` have the order of the list, so a page reads no row before
//! its first row. A filter skips rows. A page of rare rows could therefore read the whole log. To
//! prevent this, a filtered page scans at most [`MAX_SCANNED_ROWS`] rows, and the next page
//! continues after the last scanned row.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use deadpool_postgres::Client;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::cursor::Cursor;
use super::error::Error;
use super::query::{rfc3339, within};
use super::record::{ComputationFailure, Status};
use super::request_log::{RequestLog, failure, status};

/// Time limit of a page, including the time to connect.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest number of rows scanned for a filtered page.
const MAX_SCANNED_ROWS: usize = 20_000;

/// Selection of requests for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only requests of this requester, signed by an ingress.
    pub(crate) requester: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) status: Option<Status>,
    /// Only requests made at this time or later.
    pub(crate) from: Option<SystemTime>,
    /// Only requests made before this time.
    pub(crate) to: Option<SystemTime>,
    /// Largest number of requests in the page.
    pub(crate) limit: u16,
    /// Position after which the page begins.
    pub(crate) cursor: Option<Cursor>,
}

impl Filter {
    /// Returns `true` if the filter may skip rows.
    fn skips_rows(&self) -> bool {
        self.operation.is_some() || self.status.is_some()
    }
}

/// One page of the list.
#[derive(Debug)]
pub(crate) struct ListPage {
    pub(crate) requests: Vec<ListedRequest>,
    /// Position of the next page; `None` on the last page.
    pub(crate) next: Option<Cursor>,
}

/// A request in a list. Long operands and results are cut.
#[derive(Debug)]
pub(crate) struct ListedRequest {
    pub(crate) request_id: Uuid,
    pub(crate) status: Status,
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
    pub(crate) requester: Option<String>,
    pub(crate) source: String,
    /// Whether an ingress signed the request.
    pub(crate) authenticated: bool,
    /// First characters of the result.
    pub(crate) result_preview: Option<String>,
    /// Number of digits of the whole result.
    pub(crate) digits: Option<i64>,
    pub(crate) failure: Option<ComputationFailure>,
    /// RFC 3339.
    pub(crate) requested_at: String,
    /// RFC 3339.
    pub(crate) completed_at: Option<String>,
    pub(crate) compute_micros: Option<i64>,
}

impl RequestLog {
    /// Returns the page selected by `filter`.
    pub(crate) async fn page(&self, filter: &Filter) -> Result<ListPage, Error> {
        Ok(within(TIMEOUT, self.read_page(filter)).await?)
    }

    async fn read_page(&self, filter: &Filter) -> anyhow::Result<ListPage> {
        let client = self.list_connection().await?;
        let end = if filter.skips_rows() { end_of_scan(&client, filter).await? } else { None };
        // An extra row shows that a next page exists.
        let limit = i64::from(filter.limit) + 1;
        let rows = Select::rows(filter, end.as_ref()).run(&client, &limit).await?;
        let full = usize::from(filter.limit);
        let shown = rows.get(..full.min(rows.len())).unwrap_or_default();
        let last = shown.last().map(key).transpose()?;
        Ok(ListPage {
            requests: shown.iter().map(listed).collect::<anyhow::Result<_>>()?,
            next: if rows.len() > full { last } else { end },
        })
    }
}

/// Returns the key of the last row scanned for a filtered page; `None` if the list ends before.
async fn end_of_scan(client: &Client, filter: &Filter) -> anyhow::Result<Option<Cursor>> {
    let rows = Select::last_key(filter).run(client, &1).await?;
    rows.first().map(key).transpose()
}

type Value<'a> = &'a (dyn ToSql + Sync);

/// A statement under construction, with the values of the parameters.
struct Select<'a> {
    columns: &'a str,
    from: String,
    conditions: Vec<String>,
    values: Vec<Value<'a>>,
    offset: usize,
}

impl<'a> Select<'a> {
    /// Selects the key of the last row to scan.
    fn last_key(filter: &'a Filter) -> Self {
        let mut query = Self {
            columns: "requested.recorded_at AS at, requested.request_id",
            from: "compute_requested AS requested".to_owned(),
            conditions: vec![],
            values: vec![],
            offset: MAX_SCANNED_ROWS - 1,
        };
        query.restrict(filter);
        query
    }

    /// Selects the rows of the page, down to `end`.
    fn rows(filter: &'a Filter, end: Option<&'a Cursor>) -> Self {
        let mut query = Self {
            columns: &COLUMNS,
            from: joined(filter.status),
            conditions: vec![],
            values: vec![],
            offset: 0,
        };
        query.restrict(filter);
        if let Some(Cursor { requested_at, request_id }) = end {
            query.compare_key(">=", requested_at, request_id);
        }
        if let Some(operation) = &filter.operation {
            query.compare("requested.operation =", operation);
        }
        if filter.status == Some(Status::Pending) {
            query.conditions.push(pending());
        }
        query
    }

    /// Adds the conditions served by an index: requester, position and time.
    fn restrict(&mut self, filter: &'a Filter) {
        if let Some(requester) = &filter.requester {
            self.compare("requested.authenticated AND requested.requester =", requester);
        }
        if let Some(Cursor { requested_at, request_id }) = &filter.cursor {
            self.compare_key("<", requested_at, request_id);
        }
        if let Some(from) = &filter.from {
            self.compare("requested.recorded_at >=", from);
        }
        if let Some(to) = &filter.to {
            self.compare("requested.recorded_at <", to);
        }
    }

    fn compare(&mut self, condition: &str, value: Value<'a>) {
        self.values.push(value);
        self.conditions.push(format!("{condition} ${}", self.values.len()));
    }

    fn compare_key(&mut self, operator: &str, at: Value<'a>, id: Value<'a>) {
        self.values.extend([at, id]);
        let (first, second) = (self.values.len() - 1, self.values.len());
        self.conditions.push(format!(
            "(requested.recorded_at, requested.request_id) {operator} (${first}, ${second})"
        ));
    }

    async fn run(mut self, client: &Client, limit: &'a i64) -> anyhow::Result<Vec<Row>> {
        self.values.push(limit);
        let statement = client.prepare_cached(&self.text()).await?;
        Ok(client.query(&statement, &self.values).await?)
    }

    fn text(&self) -> String {
        let Self { columns, from, conditions, values, offset } = self;
        let conditions =
            if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        format!(
            "SELECT {columns} FROM {from} WHERE {conditions} \
             ORDER BY requested.recorded_at DESC, requested.request_id DESC \
             LIMIT ${} OFFSET {offset}",
            values.len()
        )
    }
}

/// Columns of the list. All columns except the key are text or integers, so the code depends on
/// names and not on column types. Long operands and results are not read whole.
static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        r"requested.recorded_at AS at, requested.request_id, requested.operation::text,
    (SELECT jsonb_object_agg(name, CASE WHEN length(value) > 60 THEN left(value, 60) || '…' ELSE value END)
       FROM jsonb_each_text(requested.operands) AS operand (name, value))::text AS operands,
    requested.requester::text, requested.source::text, requested.authenticated,
    coalesce(completed.status, 'pending')::text AS status,
    left(completed.result, 60)::text AS result_preview, completed.digits::bigint,
    completed.error_code::text, completed.error_message::text, completed.compute_micros::bigint,
    {} AS requested_at, {} AS completed_at",
        rfc3339("requested.recorded_at"),
        rfc3339("completed.completed_at")
    )
});

/// The outcome of a request repeats its content. Another request may have the same id.
const OUTCOME: &str = "completed.request_id = requested.request_id \
     AND (completed.content_digest = requested.content_digest \
          OR requested.content_digest IS NULL OR completed.content_digest = '')";

/// Returns a condition on each row: a join would read every outcome.
fn pending() -> String {
    format!("(SELECT true FROM compute_completed AS completed WHERE {OUTCOME} LIMIT 1) IS NULL")
}

/// Joins requests and outcomes. A filter by a final status joins only outcomes of that status.
fn joined(status: Option<Status>) -> String {
    let (join, restriction) = match status {
        None | Some(Status::Pending) => ("LEFT JOIN", ""),
        Some(Status::Succeeded) => ("JOIN", " AND completed.status = 'succeeded'"),
        Some(Status::Failed) => ("JOIN", " AND completed.status = 'failed'"),
    };
    format!(
        "compute_requested AS requested {join} compute_completed AS completed \
         ON {OUTCOME}{restriction}"
    )
}

fn key(row: &Row) -> anyhow::Result<Cursor> {
    let requested_at: SystemTime = row.try_get("at")?;
    Ok(Cursor { requested_at, request_id: row.try_get("request_id")? })
}

fn listed(row: &Row) -> anyhow::Result<ListedRequest> {
    // The aggregate of no operands is null.
    let operands: Option<&str> = row.try_get("operands")?;
    Ok(ListedRequest {
        request_id: row.try_get("request_id")?,
        status: status(row)?,
        operation: row.try_get("operation")?,
        operands: serde_json::from_str(operands.unwrap_or("{}")).context("operands")?,
        requester: row.try_get("requester")?,
        source: row.try_get("source")?,
        authenticated: row.try_get("authenticated")?,
        result_preview: row.try_get("result_preview")?,
        digits: row.try_get("digits")?,
        failure: failure(row)?,
        requested_at: row.try_get("requested_at")?,
        completed_at: row.try_get("completed_at")?,
        compute_micros: row.try_get("compute_micros")?,
    })
}
