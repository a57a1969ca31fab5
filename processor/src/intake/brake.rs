//! Stops the intake when too much of it cannot be read. Only a restart releases it: a person has to
//! look first.

use std::sync::atomic::{AtomicBool, Ordering};

use abacus_runtime::ReadinessGate;
use parking_lot::Mutex;

use crate::dead_letter::{LetterCount, Place};
use crate::job::Envelope;

pub(crate) struct Brake {
    letters: LetterCount,
    is_pulled: AtomicBool,
    /// What came while it was being pulled: dropped, a record would fail the stream.
    parked: Mutex<Vec<Envelope>>,
    readiness: ReadinessGate,
}

impl Brake {
    pub(crate) fn new(letters: LetterCount, readiness: ReadinessGate) -> Self {
        readiness.ready();
        Self { letters, is_pulled: AtomicBool::new(false), parked: Mutex::default(), readiness }
    }

    pub(crate) fn is_pulled(&self) -> bool {
        self.is_pulled.load(Ordering::Acquire)
    }

    pub(crate) fn note_readable(&self) {
        self.letters.note_readable();
    }

    pub(crate) fn note_letter(&self, place: Place) {
        let Some(reason) = self.letters.note_letter(place) else { return };
        if !self.is_pulled.swap(true, Ordering::AcqRel) {
            tracing::error!(
                "{reason}: no more are taken. Look at the dead letters, mend what writes them, then \
                 restart; ABACUS_DEAD_LETTER_CONSECUTIVE and ABACUS_DEAD_LETTER_PERCENT set the limits"
            );
        }
        self.readiness.not_ready(&reason);
    }

    /// Keeps a record unfinished until the process ends.
    pub(crate) fn park(&self, envelope: Envelope) {
        self.parked.lock().push(envelope);
    }
}
