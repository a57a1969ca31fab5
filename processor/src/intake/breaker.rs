//! Stops the intake when too much of it cannot be read. Only a restart releases it: a person has to
//! look first.

use std::sync::atomic::{AtomicBool, Ordering};

use abacus_runtime::ReadinessGate;
use parking_lot::Mutex;

use crate::dead_letter::{DeadLetterCount, RecordPosition};
use crate::job::RecordContext;

pub(crate) struct IntakeBreaker {
    dead_letters: DeadLetterCount,
    is_tripped: AtomicBool,
    /// What came while it was being pulled: dropped, a record would fail the stream.
    parked: Mutex<Vec<RecordContext>>,
    readiness: ReadinessGate,
}

impl IntakeBreaker {
    pub(crate) fn new(dead_letters: DeadLetterCount, readiness: ReadinessGate) -> Self {
        readiness.ready();
        Self {
            dead_letters,
            is_tripped: AtomicBool::new(false),
            parked: Mutex::default(),
            readiness,
        }
    }

    pub(crate) fn is_tripped(&self) -> bool {
        self.is_tripped.load(Ordering::Acquire)
    }

    pub(crate) fn note_readable(&self) {
        self.dead_letters.note_readable();
    }

    pub(crate) fn note_dead_letter(&self, position: RecordPosition) {
        let Some(reason) = self.dead_letters.note_dead_letter(position) else { return };
        if !self.is_tripped.swap(true, Ordering::AcqRel) {
            tracing::error!(
                "{reason}: no more are taken. Look at the dead letters, mend what writes them, then \
                 restart; ABACUS_DEAD_LETTER_CONSECUTIVE and ABACUS_DEAD_LETTER_PERCENT set the limits"
            );
        }
        self.readiness.not_ready(&reason);
    }

    /// Keeps a record unfinished until the process ends.
    pub(crate) fn park(&self, context: RecordContext) {
        self.parked.lock().push(context);
    }
}
