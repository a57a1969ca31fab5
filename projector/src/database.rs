//! Connections to Postgres. Every call has a time limit, and errors are classified.

mod columns;
mod failure;
mod statements;
mod transaction;

use std::time::Duration;

use abacus_kafka::TopicPartition;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config, Error, NoTls};
use tracing::info;

pub(crate) use self::failure::Failure;
pub(crate) use self::transaction::{CommitSummary, TableSummary, Written};

use self::statements::Statements;
use crate::batch::Batch;
use crate::stored_offsets::OffsetUpdate;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Time limits of the server. They end the transactions of a paused or disconnected client and
/// release the row locks, because the next owner of the partition waits for these locks.
const SESSION_LIMITS: &str = "SET statement_timeout = '15s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '10s'";

/// Address of the database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    config: Config,
    tokio: Handle,
}

/// A connection with blocking calls, for use outside tokio.
pub(crate) struct Session {
    client: Client,
    statements: Statements,
    tokio: Handle,
    _connection: Connection,
}

/// Task that transfers the bytes of a connection. Dropping `Connection` aborts the task, because
/// without a client the task could wait for a lost server.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Database {
    /// Returns the database at `config`. Of several servers, only a writable one is used.
    pub(crate) fn new(config: &Config, tokio: Handle) -> Self {
        let mut config = config.clone();
        config
            .application_name("abacus-projector")
            .connect_timeout(CONNECT_TIMEOUT / 2)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Self { config, tokio }
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Result<Session, Failure> {
        let session = within(&self.tokio, CONNECT_TIMEOUT, self.open())?;
        info!("connected to Postgres");
        Ok(session)
    }

    async fn open(&self) -> Result<Session, Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        let task = self.tokio.spawn(async {
            // Calls of the client report this error.
            let _ = connection.await;
        });
        let connection = Connection(task.abort_handle());
        client.batch_execute(SESSION_LIMITS).await?;
        let statements = Statements::prepare(&client).await?;
        Ok(Session { client, statements, tokio: self.tokio.clone(), _connection: connection })
    }
}

impl Session {
    /// Returns `false` after the connection was lost.
    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Returns the stored next offset of each partition, in order; `None` without a stored offset.
    pub(crate) fn next_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<i64>>, Failure> {
        let topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        let numbers: Vec<i32> = partitions.iter().map(|partition| partition.partition).collect();
        let rows = within(
            &self.tokio,
            READ_TIMEOUT,
            self.client.query(&self.statements.next_offsets, &[&topics, &numbers]),
        )?;
        rows.iter().map(|row| row.try_get(0).map_err(Failure::from)).collect()
    }

    /// Writes a batch and updates the offsets, in one transaction. After [`Failure::Away`] and
    /// [`Failure::Unanswered`], the outcome is unknown.
    pub(crate) fn write(
        &mut self,
        batch: &Batch,
        updates: &[OffsetUpdate],
    ) -> Result<Written, Failure> {
        let transaction = transaction::write(&mut self.client, &self.statements, batch, updates);
        within(&self.tokio, WRITE_TIMEOUT, transaction)
    }
}

fn within<T>(
    tokio: &Handle,
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    // The async block creates the timer inside the tokio runtime.
    match tokio.block_on(async { timeout(limit, call).await }) {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(Failure::Unanswered(format!("no answer within {limit:?}"))),
    }
}
