//! Stops the intake when too many records are unreadable. Only a restart resumes the intake, so that
//! an operator examines the dead letters first.

use std::sync::atomic::{AtomicBool, Ordering};

use abacus_runtime::ReadinessGate;
use parking_lot::Mutex;

use crate::dead_letter::{DeadLetterCount, RecordPosition};
use crate::job::RecordContext;

/// Circuit breaker of the intake, shared by both lanes.
pub(crate) struct IntakeBreaker {
    dead_letters: DeadLetterCount,
    is_tripped: AtomicBool,
    /// Records received after the breaker tripped. Dropping a record would fail the stream.
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
                "{reason}: no more are taken. Examine the dead letters, fix their producer, then \
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
