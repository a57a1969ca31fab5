//! Writes entries until they are committed, despite outages, unconfirmed commits, offset conflicts
//! and records that Postgres does not take.
//!
//! After an attempt without a clear answer, the writer reads the stored offsets again. Offsets
//! equal to the next offsets of the batch mean that the batch is committed. Unchanged offsets mean
//! another attempt. Any other offset was stored by another projector, and the reader seeks to this
//! offset.
//!
//! A record can be the reason for a missing answer, for example by a message above the limit of
//! Postgres. If Postgres answers reads, and several writes of a batch in a row stay without an
//! answer, the batch counts as refused and is split as in [`crate::parts`].

use abacus_runtime::ReadinessGate;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::database::{Database, Failure, Session, Written};
use crate::entry::Entry;
use crate::error::Stop;
use crate::metrics::Metrics;
use crate::parts::{Parts, Refusal};
use crate::reports;
use crate::stored_offsets::{OffsetUpdate, SharedOffsets};

/// Writes batches over a connection that is renewed after a failure.
pub(crate) struct Writer {
    database: Database,
    session: Option<Session>,
    offsets: SharedOffsets,
    metrics: Metrics,
    gate: ReadinessGate,
    /// Unanswered writes of a batch before the batch counts as refused.
    attempts: u32,
}

/// Result of writing one part of a batch.
enum PartOutcome {
    /// Written by this process, or left to another projector.
    Done(Vec<OffsetUpdate>),
    /// Not taken by Postgres, with the reason.
    Refused(Batch, Refusal),
}

impl Writer {
    pub(crate) fn new(
        database: Database,
        offsets: SharedOffsets,
        metrics: Metrics,
        gate: ReadinessGate,
        attempts: u32,
    ) -> Self {
        Self { database, session: None, offsets, metrics, gate, attempts }
    }

    /// Opens the connection if there is none. Returns `false` if the database is away.
    pub(crate) fn connect(&mut self) -> bool {
        match self.session() {
            Ok(_) => self.gate.ready(),
            Err(failure) => self.lost(&failure),
        }
        self.session.is_some()
    }

    /// Writes the entries. Returns the committed offsets of their partitions.
    pub(crate) fn write(
        &mut self,
        entries: Vec<Entry>,
        backoff: &mut Backoff,
    ) -> Result<Vec<OffsetUpdate>, Stop> {
        let mut parts = Parts::whole(entries);
        let mut updates = Vec::new();
        while let Some(part) = parts.next() {
            let attempts = parts.attempts(part.len(), self.attempts);
            match self.write_part(part, attempts, backoff)? {
                PartOutcome::Done(more) => updates.extend(more),
                PartOutcome::Refused(batch, refusal) => {
                    if parts.is_whole() {
                        reports::refused(&batch, &refusal);
                    }
                    parts.refuse(batch, &refusal);
                }
            }
        }
        Ok(updates)
    }

    /// Writes one part. After `attempts` writes without an answer, the part counts as refused.
    fn write_part(
        &mut self,
        mut entries: Vec<Entry>,
        mut attempts: u32,
        backoff: &mut Backoff,
    ) -> Result<PartOutcome, Stop> {
        loop {
            let mut unanswered = None;
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
                    return Ok(self.done(&batch, updates));
                }
                Ok(Written::OffsetConflict) => self.offset_conflict(),
                Err(Failure::Refused(reason)) => {
                    self.count("refused");
                    return Ok(PartOutcome::Refused(batch, Refusal::Value(reason)));
                }
                Err(failure) => {
                    self.lost(&failure);
                    unanswered = unanswered_text(failure);
                }
            }
            backoff.wait()?;
            if self.is_stored(&updates, backoff)? {
                info!("the unconfirmed commit of a batch was successful");
                return Ok(self.done(&batch, updates));
            }
            // The answer to the read shows that Postgres is not away.
            if let Some(text) = unanswered {
                attempts = attempts.saturating_sub(1);
                if attempts == 0 {
                    return Ok(PartOutcome::Refused(batch, Refusal::Unanswered(text)));
                }
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

    /// Returns `true` if the database has the offsets of `updates`. Otherwise takes over the
    /// offsets in the database.
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

    /// Reports a committed part.
    fn done(&self, batch: &Batch, updates: Vec<OffsetUpdate>) -> PartOutcome {
        self.metrics.entries_committed(batch);
        reports::rejected(batch);
        reports::forged(batch);
        self.gate.ready();
        self.offsets.lock().mark_committed(&updates);
        self.metrics.offsets_committed(&updates);
        PartOutcome::Done(updates)
    }

    /// Drops the connection, which may be half open, and reports the database as away.
    fn lost(&mut self, failure: &Failure) {
        self.session = None;
        self.count(if matches!(failure, Failure::Unanswered(_)) { "unanswered" } else { "away" });
        self.gate.not_ready(failure.to_string());
    }

    fn offset_conflict(&self) {
        self.count("overtaken");
        warn!("offset conflict: another projector moved the offset of a partition of this batch");
    }

    fn count(&self, kind: &str) {
        self.metrics.database_errors.with_label_values(&[kind]).inc();
    }
}

fn unanswered_text(failure: Failure) -> Option<String> {
    match failure {
        Failure::Unanswered(text) => Some(text),
        Failure::Away(_) | Failure::Refused(_) => None,
    }
}
