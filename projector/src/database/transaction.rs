//! The transaction of one batch: updates the offsets by compare-and-set, then inserts the rows.
//! The offsets come first: after an offset conflict, nothing was written, and a concurrent
//! projector waits for the lock on the row of the offset.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use tokio_postgres::{Client, Error, Transaction};
use uuid::Uuid;

use super::columns::Columns;
use super::statements::{Statements, TableStatements};
use crate::batch::{Batch, Unique};
use crate::row::{RequestedRow, Row};
use crate::stored_offsets::OffsetUpdate;

/// Outcome of a transaction without a failure.
#[derive(Debug)]
pub(crate) enum Written {
    /// Rows and offsets are committed.
    Committed(CommitSummary),
    /// A stored offset differs from the expected offset. The transaction was rolled back.
    OffsetConflict,
}

/// Effect of a committed transaction.
#[derive(Debug)]
pub(crate) struct CommitSummary {
    pub(crate) requested: TableSummary,
    pub(crate) completed: TableSummary,
    pub(crate) took: Duration,
}

/// Effect of a committed transaction on one table.
#[derive(Debug)]
pub(crate) struct TableSummary {
    /// Number of inserted rows.
    pub(crate) rows: u64,
    /// Requests whose stored row has different content.
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
    let inserted = insert(&transaction, &statements.requested, &columns, &rows).await?;
    insert_conflicts(&transaction, statements, &rows, &inserted).await?;
    let requested = summary(inserted, &rows);
    let rows = batch.completed();
    let columns = Columns::completed(&rows.rows);
    let inserted = insert(&transaction, &statements.completed, &columns, &rows).await?;
    let completed = summary(inserted, &rows);
    insert_rejected(&transaction, statements, batch).await?;
    transaction.commit().await?;
    Ok(Written::Committed(CommitSummary { requested, completed, took: begun.elapsed() }))
}

/// Updates the offsets. Returns `true` if every stored offset was as expected.
async fn move_offsets(
    transaction: &Transaction<'_>,
    statements: &Statements,
    updates: &[OffsetUpdate],
) -> Result<bool, Error> {
    let topics: Vec<&str> = updates.iter().map(|update| &*update.partition.topic).collect();
    let partitions: Vec<i32> = updates.iter().map(|update| update.partition.partition).collect();
    let expected: Vec<Option<i64>> = updates.iter().map(|update| update.expected).collect();
    let next: Vec<i64> = updates.iter().map(|update| update.next).collect();
    let newest: Vec<Option<SystemTime>> =
        updates.iter().map(|update| update.newest_request).collect();
    let row = transaction
        .query_one(&statements.move_offsets, &[&topics, &partitions, &expected, &next, &newest])
        .await?;
    let count: i64 = row.try_get(0)?;
    Ok(usize::try_from(count) == Ok(updates.len()))
}

/// Effect of one insert statement.
struct Inserted {
    rows: u64,
    /// Requests of the statement whose earlier row has different content.
    conflicts: Vec<Uuid>,
}

async fn insert<R>(
    transaction: &Transaction<'_>,
    statements: &TableStatements,
    columns: &Columns<'_>,
    rows: &Unique<'_, R>,
) -> Result<Inserted, Error> {
    let mut conflicts = Vec::new();
    if rows.rows.is_empty() {
        return Ok(Inserted { rows: 0, conflicts });
    }
    let inserted = transaction.execute(&statements.insert, &columns.all()).await?;
    if inserted < rows.rows.len() as u64 {
        // Some requests had rows before: with equal content after a replay, or with different
        // content.
        let others = transaction.query(&statements.conflicts, &columns.compared()).await?;
        for row in others {
            conflicts.push(row.try_get(0)?);
        }
    }
    Ok(Inserted { rows: inserted, conflicts })
}

fn summary<R: Row>(inserted: Inserted, rows: &Unique<'_, R>) -> TableSummary {
    let Inserted { rows: count, mut conflicts } = inserted;
    conflicts.extend(rows.conflicts.iter().map(|row| row.request_id()));
    TableSummary { rows: count, conflicts }
}

/// Lists the requests whose id another request had before.
async fn insert_conflicts(
    transaction: &Transaction<'_>,
    statements: &Statements,
    rows: &Unique<'_, RequestedRow>,
    inserted: &Inserted,
) -> Result<(), Error> {
    let conflicts: HashSet<Uuid> = inserted.conflicts.iter().copied().collect();
    let is_later = |row: &&&RequestedRow| conflicts.contains(&row.request_id);
    let later = rows.rows.iter().filter(is_later).chain(&rows.conflicts);
    let later: Vec<&RequestedRow> = later.copied().collect();
    if !later.is_empty() {
        let columns = Columns::conflicts(&later);
        transaction.execute(&statements.insert_request_conflicts, &columns.all()).await?;
    }
    Ok(())
}

/// Writes the rejections in place of the rejected rows.
async fn insert_rejected(
    transaction: &Transaction<'_>,
    statements: &Statements,
    batch: &Batch,
) -> Result<(), Error> {
    let rejected = batch.rejected();
    if !rejected.is_empty() {
        let columns = Columns::rejected(&rejected);
        transaction.execute(&statements.insert_rejected, &columns.all()).await?;
    }
    Ok(())
}
