//! Has entries written whatever happens: through outages, after commits nobody heard the answer of,
//! past other projectors and around records that Postgres refuses.
//!
//! After anything but a clear answer the stored offsets are read again, and they decide: where they
//! are what the batch would have made them, it is in; where they are as before, it is written
//! again; anything else was somebody else's doing, and the reader follows it.

use abacus_runtime::ReadinessGate;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::batch::{Batch, Parts};
use crate::database::{Database, Failure, Session, Written};
use crate::entry::Entry;
use crate::error::Stop;
use crate::metrics::Metrics;
use crate::reports;
use crate::stored_offsets::OffsetUpdate;
use crate::stored_offsets::SharedOffsets;

/// Writes to the database on a connection that is renewed as needed.
pub(crate) struct Writer {
    database: Database,
    session: Option<Session>,
    offsets: SharedOffsets,
    metrics: Metrics,
    gate: ReadinessGate,
}

/// How the writing of a part of a batch ended.
enum PartOutcome {
    /// It is in the database, or belongs to somebody else now.
    Done(Vec<OffsetUpdate>),
    /// A record in it is refused, and why.
    Refused(Batch, String),
}

impl Writer {
    pub(crate) fn new(
        database: Database,
        offsets: SharedOffsets,
        metrics: Metrics,
        gate: ReadinessGate,
    ) -> Self {
        Self { database, session: None, offsets, metrics, gate }
    }

    /// Connects unless it is connected; false if the database is away.
    pub(crate) fn connect(&mut self) -> bool {
        match self.session() {
            Ok(_) => self.gate.ready(),
            Err(failure) => self.lost(&failure),
        }
        self.session.is_some()
    }

    /// Writes the entries and says how far their partitions got.
    pub(crate) fn write(
        &mut self,
        entries: Vec<Entry>,
        backoff: &mut Backoff,
    ) -> Result<Vec<OffsetUpdate>, Stop> {
        let mut parts = Parts::whole(entries);
        let mut updates = Vec::new();
        while let Some(part) = parts.next() {
            match self.write_part(part, backoff)? {
                PartOutcome::Done(more) => updates.extend(more),
                PartOutcome::Refused(batch, reason) => {
                    if let Some((partition, offset)) = parts.refuse(batch) {
                        reports::refused(&partition, offset, &reason);
                    }
                }
            }
        }
        Ok(updates)
    }

    fn write_part(
        &mut self,
        mut entries: Vec<Entry>,
        backoff: &mut Backoff,
    ) -> Result<PartOutcome, Stop> {
        loop {
            let batch = self.select(entries);
            if batch.entries().is_empty() {
                return Ok(PartOutcome::Done(Vec::new()));
            }
            let updates = batch.offset_updates(&self.offsets.lock());
            match self.attempt(&batch, &updates) {
                Ok(Written::Committed(summary)) => {
                    backoff.reset();
                    self.metrics.committed(&batch, &summary);
                    reports::row_conflicts(&summary);
                    return Ok(self.done(updates));
                }
                Ok(Written::OffsetConflict) => self.offset_conflict(),
                Err(Failure::Refused(reason)) => {
                    self.count("refused");
                    return Ok(PartOutcome::Refused(batch, reason));
                }
                Err(failure @ Failure::Away(_)) => self.lost(&failure),
            }
            backoff.wait()?;
            if self.is_stored(&updates, backoff)? {
                info!("the database has the batch whose commit it did not confirm");
                return Ok(self.done(updates));
            }
            entries = batch.into_entries();
        }
    }

    fn select(&self, entries: Vec<Entry>) -> Batch {
        let writable = self.offsets.lock().select_writable(entries);
        for partition in &writable.restarted {
            self.metrics.restarts.inc();
            reports::restarted(partition);
        }
        Batch::new(writable.entries)
    }

    fn attempt(&mut self, batch: &Batch, updates: &[OffsetUpdate]) -> Result<Written, Failure> {
        self.session()?.write(batch, updates)
    }

    /// Whether the database has what `updates` would have made of it. Where it has something else,
    /// the offsets follow it.
    fn is_stored(&mut self, updates: &[OffsetUpdate], backoff: &mut Backoff) -> Result<bool, Stop> {
        let partitions: Vec<_> = updates.iter().map(|update| update.partition.clone()).collect();
        let stored = loop {
            match self.session().and_then(|session| session.next_offsets(&partitions)) {
                Ok(stored) => break stored,
                Err(failure) => self.lost(&failure),
            }
            backoff.wait()?;
        };
        if updates.iter().map(|update| Some(update.next)).eq(stored.iter().copied()) {
            return Ok(true);
        }
        let mut offsets = self.offsets.lock();
        for (partition, offset) in partitions.iter().zip(stored) {
            offsets.correct(partition, offset);
        }
        Ok(false)
    }

    fn session(&mut self) -> Result<&mut Session, Failure> {
        let session = match self.session.take().filter(Session::is_open) {
            Some(session) => session,
            None => self.database.connect()?,
        };
        Ok(self.session.insert(session))
    }

    fn done(&self, updates: Vec<OffsetUpdate>) -> PartOutcome {
        self.gate.ready();
        self.offsets.lock().mark_committed(&updates);
        self.metrics.offsets_committed(&updates);
        PartOutcome::Done(updates)
    }

    /// The connection may be half dead, so it is given up.
    fn lost(&mut self, failure: &Failure) {
        self.session = None;
        self.count("away");
        self.gate.not_ready(failure.to_string());
    }

    fn offset_conflict(&self) {
        self.count("overtaken");
        warn!("another projector moved the offset of a partition of this batch");
    }

    fn count(&self, kind: &str) {
        self.metrics.database_errors.with_label_values(&[kind]).inc();
    }
}
