//! Rows as columns, in the parameter order of the [statements](super::statements).

use std::collections::BTreeMap;
use std::time::SystemTime;

use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::entry::{Entry, Rejection};
use crate::row::{CompletedRow, RequestedRow};

/// All values of a column, as a parameter.
type Column<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// Rows of one table, as parameters.
pub(super) struct Columns<'a> {
    all: Vec<Column<'a>>,
    /// Number of leading columns that the statement for row conflicts takes.
    compared: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn requested(rows: &[&'a RequestedRow]) -> Self {
        type Operands<'a> = Json<&'a BTreeMap<String, String>>;
        let all = vec![
            column::<_, Uuid>(rows, |row| row.request_id),
            column::<_, &str>(rows, |row| &row.operation),
            column::<_, Operands<'a>>(rows, |row| Json(&row.operands)),
            column::<_, Option<&str>>(rows, |row| row.requester.as_deref()),
            column::<_, &str>(rows, |row| &row.source),
            column::<_, &[u8]>(rows, |row| row.content.as_bytes()),
            column::<_, SystemTime>(rows, |row| row.requested_at),
            column::<_, i32>(rows, |row| row.origin.partition),
            column::<_, i64>(rows, |row| row.origin.offset),
            column::<_, SystemTime>(rows, |row| row.recorded_at),
            column::<_, bool>(rows, |row| row.authorship.is_signed()),
        ];
        Self { all, compared: 6 }
    }

    pub(super) fn completed(rows: &[&'a CompletedRow]) -> Self {
        let all = vec![
            column::<_, Uuid>(rows, |row| row.request_id),
            column::<_, &str>(rows, |row| row.outcome.status),
            column::<_, Option<&str>>(rows, |row| row.outcome.result.as_deref()),
            column::<_, Option<&str>>(rows, |row| row.outcome.error_code.as_deref()),
            column::<_, Option<&str>>(rows, |row| row.outcome.error_message.as_deref()),
            column::<_, &[u8]>(rows, |row| row.content_bytes()),
            column::<_, Option<i64>>(rows, |row| row.outcome.digits),
            column::<_, Option<i64>>(rows, |row| row.outcome.bits),
            column::<_, SystemTime>(rows, |row| row.completed_at),
            column::<_, i64>(rows, |row| row.compute_micros),
            column::<_, &str>(rows, |row| row.cache),
            column::<_, &str>(rows, |row| &row.processor),
            column::<_, i32>(rows, |row| row.origin.partition),
            column::<_, i64>(rows, |row| row.origin.offset),
        ];
        Self { all, compared: 6 }
    }

    /// Columns of requests with a row conflict.
    pub(super) fn conflicts(rows: &[&'a RequestedRow]) -> Self {
        let all = vec![
            column::<_, Uuid>(rows, |row| row.request_id),
            column::<_, &[u8]>(rows, |row| row.content.as_bytes()),
            column::<_, i32>(rows, |row| row.origin.partition),
            column::<_, i64>(rows, |row| row.origin.offset),
        ];
        Self { all, compared: 0 }
    }

    pub(super) fn rejected(rejected: &'a [(&'a Entry, &'a Rejection)]) -> Self {
        let rejected: Vec<_> = rejected.iter().collect();
        let all = vec![
            column::<_, &str>(&rejected, |(entry, _)| &entry.partition.topic),
            column::<_, i32>(&rejected, |(entry, _)| entry.partition.partition),
            column::<_, i64>(&rejected, |(entry, _)| entry.offset),
            column::<_, Uuid>(&rejected, |(_, rejection)| rejection.request_id),
            column::<_, &str>(&rejected, |(_, rejection)| rejection.reason.as_str()),
            column::<_, &str>(&rejected, |(_, rejection)| &rejection.detail),
        ];
        Self { all, compared: 0 }
    }

    /// Returns all columns.
    pub(super) fn all(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.all.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect()
    }

    /// Returns the columns that [`Row::agrees_with`](crate::row::Row::agrees_with) compares, and
    /// the key.
    pub(super) fn compared(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.all().into_iter().take(self.compared).collect()
    }
}

fn column<'a, R, V>(rows: &[&'a R], value: impl Fn(&'a R) -> V) -> Column<'a>
where
    V: ToSql + Sync + Send + 'a,
{
    Box::new(rows.iter().map(|row| value(row)).collect::<Vec<V>>())
}
