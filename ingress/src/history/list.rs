//! Pages from Postgres.
//!
//! Both indexes of `compute_requested` are in the order of the list, so a page is read from where it
//! begins. A filter passes over rows: that a page of rare ones does not read the whole log, it looks at
//! [`REACH`] rows at most, and the next page goes on from there.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use deadpool_postgres::Client;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::cursor::Cursor;
use super::page::{Entry, Page, href};
use super::parameters::Parameters;
use crate::computations::computation::{ErrorMembers, Status};
use crate::computations::request_log::{self, RequestLog};
use crate::error::Error;

/// How long a page may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many rows a filtered page looks at.
const REACH: usize = 20_000;

type Value<'a> = &'a (dyn ToSql + Sync);

/// The page that `parameters` ask for.
pub(super) async fn page(log: &RequestLog, parameters: &Parameters) -> Result<Page, Error> {
    let asked = timeout(TIMEOUT, ask(log, parameters)).await;
    asked.context("no page in time").flatten().map_err(Error::LogUnavailable)
}

async fn ask(log: &RequestLog, parameters: &Parameters) -> anyhow::Result<Page> {
    let client = log.client().await?;
    let reach = if parameters.is_filtered() { reach(&client, parameters).await? } else { None };
    let mut query = Select::rows(parameters, reach.as_ref());
    // One more than asked for, to know whether there is more.
    let limit = i64::from(parameters.limit) + 1;
    let rows = query.run(&client, &limit).await?;
    let full = usize::from(parameters.limit);
    let shown = rows.get(..full.min(rows.len())).unwrap_or_default();
    let last = shown.last().map(key).transpose()?;
    Ok(Page {
        computations: shown.iter().map(entry).collect::<anyhow::Result<_>>()?,
        next: None,
        after: if rows.len() > full { last } else { reach },
    })
}

/// The last row that the page looks at, if there are as many.
async fn reach(client: &Client, parameters: &Parameters) -> anyhow::Result<Option<Cursor>> {
    let mut query = Select::last_key(parameters);
    let rows = query.run(client, &1).await?;
    rows.first().map(key).transpose()
}

/// A statement in the making, and its values.
struct Select<'a> {
    columns: &'static str,
    from: &'static str,
    conditions: Vec<String>,
    values: Vec<Value<'a>>,
    offset: usize,
}

impl<'a> Select<'a> {
    /// The key of the row at the end of the reach.
    fn last_key(parameters: &'a Parameters) -> Self {
        let mut query = Self {
            columns: "requested.requested_at AS at, requested.request_id",
            from: "compute_requested AS requested",
            conditions: vec![],
            values: vec![],
            offset: REACH - 1,
        };
        query.within(parameters);
        query
    }

    /// The rows themselves, up to `reach`.
    fn rows(parameters: &'a Parameters, reach: Option<&'a Cursor>) -> Self {
        let mut query = Self {
            columns: COLUMNS,
            from: joined(parameters.status),
            conditions: vec![],
            values: vec![],
            offset: 0,
        };
        query.within(parameters);
        if let Some(Cursor { requested_at, request_id }) = reach {
            query.both(">=", requested_at, request_id);
        }
        if let Some(operation) = &parameters.operation {
            query.one("requested.operation =", operation);
        }
        if parameters.status == Some(Status::Pending) {
            query.conditions.push(PENDING.to_owned());
        }
        query
    }

    /// Whose rows, from where on, and from when to when.
    fn within(&mut self, parameters: &'a Parameters) {
        if let Some(requester) = &parameters.requester {
            self.one("requested.requester =", requester);
        }
        if let Some(Cursor { requested_at, request_id }) = &parameters.cursor {
            self.both("<", requested_at, request_id);
        }
        if let Some(from) = &parameters.from {
            self.one("requested.requested_at >=", from);
        }
        if let Some(to) = &parameters.to {
            self.one("requested.requested_at <", to);
        }
    }

    fn one(&mut self, condition: &str, value: Value<'a>) {
        self.values.push(value);
        self.conditions.push(format!("{condition} ${}", self.values.len()));
    }

    fn both(&mut self, operator: &str, at: Value<'a>, id: Value<'a>) {
        self.values.extend([at, id]);
        let (first, second) = (self.values.len() - 1, self.values.len());
        self.conditions.push(format!(
            "(requested.requested_at, requested.request_id) {operator} (${first}, ${second})"
        ));
    }

    async fn run(&mut self, client: &Client, limit: &'a i64) -> anyhow::Result<Vec<Row>> {
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
             ORDER BY requested.requested_at DESC, requested.request_id DESC \
             LIMIT ${} OFFSET {offset}",
            values.len()
        )
    }
}

/// As text or integer, but for the key: so that this depends on names and not on types. Long operands
/// and results are not read whole.
const COLUMNS: &str = r#"
    requested.requested_at AS at, requested.request_id, requested.operation::text,
    (SELECT jsonb_object_agg(name, CASE WHEN length(value) > 60 THEN left(value, 60) || '…' ELSE value END)
       FROM jsonb_each_text(requested.operands) AS operand (name, value))::text AS operands,
    requested.requester::text, requested.source::text,
    coalesce(completed.status, 'pending')::text AS status,
    left(completed.result, 60)::text AS result_preview, completed.digits::bigint,
    completed.error_code::text, completed.error_message::text, completed.compute_micros::bigint,
    to_char(requested.requested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS requested_at,
    to_char(completed.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS completed_at"#;

/// As a question about each row: a join would read all outcomes there are.
const PENDING: &str = "(SELECT true FROM compute_completed AS done \
                         WHERE done.request_id = requested.request_id) IS NULL";

/// The requests with their outcomes, if they are to have one.
fn joined(status: Option<Status>) -> &'static str {
    match status {
        None | Some(Status::Pending) => {
            "compute_requested AS requested \
             LEFT JOIN compute_completed AS completed USING (request_id)"
        }
        Some(Status::Succeeded) => {
            "compute_requested AS requested JOIN compute_completed AS completed \
             ON completed.request_id = requested.request_id AND completed.status = 'succeeded'"
        }
        Some(Status::Failed) => {
            "compute_requested AS requested JOIN compute_completed AS completed \
             ON completed.request_id = requested.request_id AND completed.status = 'failed'"
        }
    }
}

fn key(row: &Row) -> anyhow::Result<Cursor> {
    let requested_at: SystemTime = row.try_get("at")?;
    Ok(Cursor { requested_at, request_id: row.try_get("request_id")? })
}

fn entry(row: &Row) -> anyhow::Result<Entry> {
    let request_id = row.try_get("request_id")?;
    // Of no operands there is no aggregate.
    let operands: Option<&str> = row.try_get("operands")?;
    let code: Option<String> = row.try_get("error_code")?;
    let message: Option<String> = row.try_get("error_message")?;
    Ok(Entry {
        request_id,
        href: href(request_id),
        status: request_log::status(row.try_get("status")?)?,
        operation: row.try_get("operation")?,
        operands: serde_json::from_str(operands.unwrap_or("{}")).context("operands")?,
        requester: row.try_get("requester")?,
        source: row.try_get("source")?,
        result_preview: row.try_get("result_preview")?,
        digits: row.try_get("digits")?,
        error: code.map(|code| ErrorMembers { code, message: message.unwrap_or_default() }),
        requested_at: row.try_get("requested_at")?,
        completed_at: row.try_get("completed_at")?,
        compute_micros: row.try_get("compute_micros")?,
    })
}
