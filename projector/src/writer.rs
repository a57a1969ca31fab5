//! Has entries written whatever happens: through outages, after commits nobody heard the answer of,
//! past other projectors and around records that Postgres refuses.
//!
//! After anything but a clear answer the stored offsets are read again, and they decide: where they
//! are what the batch would have made them, it is in; where they are as before, it is written
//! again; anything else was somebody else's doing, and the reader follows it.

use abacus_runtime::ReadinessGate;
use tracing::{info, warn};

use crate::batch::{Batch, Move, Parts};
use crate::database::{Database, Failure, Session, Written};
use crate::entry::Entry;
use crate::error::Stop;
use crate::metrics::Metrics;
use crate::patience::Patience;
use crate::positions::SharedPositions;
use crate::reports;

/// Writes to the database on a connection that is renewed as needed.
pub(crate) struct Writer {
    database: Database,
    session: Option<Session>,
    positions: SharedPositions,
    metrics: Metrics,
    gate: ReadinessGate,
}

/// How the writing of a part of a batch ended.
enum Ending {
    /// It is in the database, or belongs to somebody else now.
    Done(Vec<Move>),
    /// A record in it is refused, and why.
    Refused(Batch, String),
}

impl Writer {
    pub(crate) fn new(
        database: Database,
        positions: SharedPositions,
        metrics: Metrics,
        gate: ReadinessGate,
    ) -> Self {
        Self { database, session: None, positions, metrics, gate }
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
        patience: &mut Patience,
    ) -> Result<Vec<Move>, Stop> {
        let mut parts = Parts::whole(entries);
        let mut moves = Vec::new();
        while let Some(part) = parts.next() {
            match self.write_part(part, patience)? {
                Ending::Done(more) => moves.extend(more),
                Ending::Refused(batch, reason) => {
                    if let Some((partition, offset)) = parts.refuse(batch) {
                        reports::refused(&partition, offset, &reason);
                    }
                }
            }
        }
        Ok(moves)
    }

    fn write_part(
        &mut self,
        mut entries: Vec<Entry>,
        patience: &mut Patience,
    ) -> Result<Ending, Stop> {
        loop {
            let batch = self.admit(entries);
            if batch.entries().is_empty() {
                return Ok(Ending::Done(Vec::new()));
            }
            let moves = batch.moves(&self.positions.lock());
            match self.attempt(&batch, &moves) {
                Ok(Written::Stored(tally)) => {
                    patience.renew();
                    self.metrics.committed(&batch, &tally);
                    reports::clashes(&tally);
                    return Ok(self.done(moves));
                }
                Ok(Written::Overtaken) => self.overtaken(),
                Err(Failure::Refused(reason)) => {
                    self.count("refused");
                    return Ok(Ending::Refused(batch, reason));
                }
                Err(failure @ Failure::Away(_)) => self.lost(&failure),
            }
            patience.wait()?;
            if self.is_stored(&moves, patience)? {
                info!("the database has the batch whose commit it did not confirm");
                return Ok(self.done(moves));
            }
            entries = batch.into_entries();
        }
    }

    fn admit(&self, entries: Vec<Entry>) -> Batch {
        let admitted = self.positions.lock().admit(entries);
        for partition in &admitted.restarted {
            self.metrics.restarts.inc();
            reports::restarted(partition);
        }
        Batch::new(admitted.entries)
    }

    fn attempt(&mut self, batch: &Batch, moves: &[Move]) -> Result<Written, Failure> {
        self.session()?.write(batch, moves)
    }

    /// Whether the database has what `moves` would have made of it. Where it has something else,
    /// the positions follow it.
    fn is_stored(&mut self, moves: &[Move], patience: &mut Patience) -> Result<bool, Stop> {
        let partitions: Vec<_> = moves.iter().map(|moved| moved.partition.clone()).collect();
        let stored = loop {
            match self.session().and_then(|session| session.next_offsets(&partitions)) {
                Ok(stored) => break stored,
                Err(failure) => self.lost(&failure),
            }
            patience.wait()?;
        };
        if moves.iter().map(|moved| Some(moved.next)).eq(stored.iter().copied()) {
            return Ok(true);
        }
        let mut positions = self.positions.lock();
        for (partition, offset) in partitions.iter().zip(stored) {
            positions.correct(partition, offset);
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

    fn done(&self, moves: Vec<Move>) -> Ending {
        self.gate.ready();
        self.positions.lock().moved(&moves);
        self.metrics.moved(&moves);
        Ending::Done(moves)
    }

    /// The connection may be half dead, so it is given up.
    fn lost(&mut self, failure: &Failure) {
        self.session = None;
        self.count("away");
        self.gate.not_ready(failure.to_string());
    }

    fn overtaken(&self) {
        self.count("overtaken");
        warn!("another projector moved the offset of a partition of this batch");
    }

    fn count(&self, kind: &str) {
        self.metrics.database_errors.with_label_values(&[kind]).inc();
    }
}
