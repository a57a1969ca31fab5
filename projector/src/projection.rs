//! The main loop of the projector: reads a batch from Kafka, writes the batch to the database, and
//! starts again.

use std::rc::Rc;
use std::sync::Arc;

use abacus_kafka::{BatchReader, ReadMonitor};
use abacus_runtime::{ReadinessGate, Shutdown};
use tokio::runtime::Handle;
use tracing::warn;

use crate::backoff::Backoff;
use crate::config::ProjectorConfig;
use crate::database::Database;
use crate::decoding::Decoding;
use crate::entry::Entry;
use crate::error::Stop;
use crate::metrics::Metrics;
use crate::rules::Rules;
use crate::start_offsets::DatabaseStartOffsets;
use crate::stored_offsets::SharedOffsets;
use crate::writer::Writer;

/// Readiness of the outside systems.
#[derive(Clone)]
pub(crate) struct Gates {
    /// Not ready until the first assignment of partitions.
    pub(crate) kafka: ReadinessGate,
    /// Not ready while the database is away.
    pub(crate) postgres: ReadinessGate,
    /// Not ready while a record waits for its schema.
    pub(crate) registry: ReadinessGate,
}

/// Resources of the loop.
pub(crate) struct Tools {
    pub(crate) database: Database,
    pub(crate) tokio: Handle,
    pub(crate) metrics: Metrics,
    pub(crate) reads: ReadMonitor,
    pub(crate) gates: Gates,
}

/// Reads, decodes and writes on one thread.
pub(crate) struct Projection {
    reader: Rc<BatchReader>,
    offsets: SharedOffsets,
    decoding: Decoding,
    writer: Writer,
    backoff: Backoff,
}

impl Projection {
    /// Joins the consumer group.
    pub(crate) fn open(
        config: &ProjectorConfig,
        tools: Tools,
        shutdown: Shutdown,
    ) -> Result<Self, Stop> {
        let Tools { database, tokio, metrics, reads, gates } = tools;
        let offsets = SharedOffsets::default();
        let start = DatabaseStartOffsets {
            database: database.clone(),
            offsets: Arc::clone(&offsets),
            tokio: tokio.clone(),
            shutdown: shutdown.clone(),
            kafka: gates.kafka,
            postgres: gates.postgres.clone(),
        };
        let topics = [config.topics.requested.as_str(), config.topics.completed.as_str()];
        let reader = BatchReader::subscribe(
            &config.kafka,
            config.batch.clone(),
            &topics,
            Arc::new(start),
            reads,
        )?;
        let reader = Rc::new(reader);
        let decoding = Decoding::new(
            &config.topics,
            &config.registry,
            tokio,
            gates.registry,
            Rules::new(config),
        )?;
        let writer = Writer::new(
            database,
            Arc::clone(&offsets),
            metrics,
            gates.postgres,
            config.attempts.get(),
        );
        let backoff = Backoff::new(Rc::clone(&reader), shutdown);
        Ok(Self { reader, offsets, decoding, writer, backoff })
    }

    /// Runs until a shutdown is requested. Finishes the current batch if the database accepts it.
    pub(crate) fn run(mut self) -> Result<(), Stop> {
        loop {
            match self.step() {
                Ok(()) => {}
                Err(Stop::Requested) => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.backoff.check_shutdown()?;
        if !self.writer.connect() {
            return self.backoff.wait();
        }
        self.backoff.reset();
        self.seek_pending();
        let unreadable = self.reader.skip_unreadable()?;
        let records = self.reader.next_batch()?;
        let mut entries: Vec<_> = unreadable.into_iter().map(Entry::unreadable).collect();
        entries.extend(self.decoding.entries(records, &mut self.backoff)?);
        let updates = self.writer.write(entries, &mut self.backoff)?;
        self.reader
            .hint(updates.iter().map(|u| (&*u.partition.topic, u.partition.partition, u.next)));
        Ok(())
    }

    /// Moves the reader of each partition that needs a seek. A seek fails while the assignment is
    /// incomplete; the next round tries again.
    fn seek_pending(&self) {
        let pending = self.offsets.lock().pending_seeks();
        for (partition, offset) in pending {
            match self.reader.seek(&partition.topic, partition.partition, offset) {
                Ok(()) => self.offsets.lock().mark_sought(&partition),
                Err(error) => {
                    warn!(%error, %partition, "the seek of a partition failed and is tried again");
                }
            }
        }
    }
}
