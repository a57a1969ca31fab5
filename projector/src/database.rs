//! Postgres: connections of which every call ends in time, and what its errors mean.

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

/// The server's own limits. They end what a client left behind that is paused or cut off, and with
/// it the row locks that keep the partition's next owner waiting.
const SESSION_LIMITS: &str = "SET statement_timeout = '15s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '10s'";

/// Where the database is. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    config: Config,
    tokio: Handle,
}

/// A connection, for use outside of tokio: its calls block.
pub(crate) struct Session {
    client: Client,
    statements: Statements,
    tokio: Handle,
    _connection: Connection,
}

/// The task that updates the bytes of a connection. Without its client it would still wait for
/// answers from a server that may be gone; so it ends here.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Database {
    /// The database at `config`. Of several servers in it, only one that can be written to is taken.
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
            // The client's calls report the same error.
            let _ = connection.await;
        });
        let connection = Connection(task.abort_handle());
        client.batch_execute(SESSION_LIMITS).await?;
        let statements = Statements::prepare(&client).await?;
        Ok(Session { client, statements, tokio: self.tokio.clone(), _connection: connection })
    }
}

impl Session {
    /// False once the connection is known to be gone.
    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// The next offset of each of `partitions`, in their order; `None` where there is none.
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

    /// Writes a batch and updates the offsets, both or neither. After [`Failure::Away`] the outcome is
    /// not known.
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
    // The timer needs to be made inside of tokio.
    match tokio.block_on(async { timeout(limit, call).await }) {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(Failure::Away(format!("no answer within {limit:?}"))),
    }
}
