//! The one transaction: offsets move by compare-and-set, then rows are inserted. The offsets come
//! first, so that a projector that was overtaken finds out before it writes anything, and one that
//! comes at the same time waits at the offset's row.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, Error, Transaction};
use uuid::Uuid;

use super::columns::Columns;
use super::statements::{Statements, TableStatements};
use crate::batch::{Batch, Unique};
use crate::stored_offsets::OffsetUpdate;

/// How a transaction ended that was not disturbed.
#[derive(Debug)]
pub(crate) enum Written {
    /// Rows and offsets are in.
    Committed(CommitSummary),
    /// A stored offset was not the expected one; nothing was written.
    OffsetConflict,
}

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct CommitSummary {
    pub(crate) requested: TableSummary,
    pub(crate) completed: TableSummary,
    pub(crate) took: Duration,
}

/// What a transaction did to one table.
#[derive(Debug)]
pub(crate) struct TableSummary {
    /// Rows that were not there before.
    pub(crate) rows: u64,
    /// Requests whose first row says something else.
    pub(crate) conflicts: Vec<Uuid>,
}

pub(super) async fn write(
    client: &mut Client,
    statements: &Statements,
    batch: &Batch,
    updates: &[OffsetUpdate],
) -> Result<Written, Error> {
    let begun = Instant::now();
    let transaction = client.transaction().await?;
    if !move_offsets(&transaction, statements, updates).await? {
        transaction.rollback().await?;
        return Ok(Written::OffsetConflict);
    }
    let rows = batch.requested();
    let columns = Columns::requested(&rows.rows);
    let requested = insert(&transaction, &statements.requested, &columns, rows).await?;
    let rows = batch.completed();
    let columns = Columns::completed(&rows.rows);
    let completed = insert(&transaction, &statements.completed, &columns, rows).await?;
    transaction.commit().await?;
    Ok(Written::Committed(CommitSummary { requested, completed, took: begun.elapsed() }))
}

/// Whether all of them moved.
async fn move_offsets(
    transaction: &Transaction<'_>,
    statements: &Statements,
    updates: &[OffsetUpdate],
) -> Result<bool, Error> {
    let topics: Vec<&str> = updates.iter().map(|update| &*update.partition.topic).collect();
    let partitions: Vec<i32> = updates.iter().map(|update| update.partition.partition).collect();
    let expected: Vec<Option<i64>> = updates.iter().map(|update| update.expected).collect();
    let next: Vec<i64> = updates.iter().map(|update| update.next).collect();
    let row = transaction
        .query_one(&statements.move_offsets, &[&topics, &partitions, &expected, &next])
        .await?;
    let count: i64 = row.try_get(0)?;
    Ok(usize::try_from(count) == Ok(updates.len()))
}

async fn insert<R>(
    transaction: &Transaction<'_>,
    statements: &TableStatements,
    columns: &Columns<'_>,
    rows: Unique<'_, R>,
) -> Result<TableSummary, Error> {
    let Unique { rows, mut conflicts } = rows;
    if rows.is_empty() {
        return Ok(TableSummary { rows: 0, conflicts });
    }
    let inserted = transaction.execute(&statements.insert, &columns.all()).await?;
    if inserted < rows.len() as u64 {
        // Some were there before: the same again, as after a replay, or something else.
        let others = transaction.query(&statements.conflicts, &columns.compared()).await?;
        for row in others {
            conflicts.push(row.try_get(0)?);
        }
    }
    Ok(TableSummary { rows: inserted, conflicts })
}
