//! Lets requests through a few at a time, so that there is work under channel whenever something breaks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(5);

/// How many requests may be asked by now.
#[derive(Debug)]
pub(crate) struct Gate {
    open: AtomicU64,
    refused: AtomicU64,
    all: u64,
}

impl Gate {
    /// Lets none of `all` through.
    pub(crate) fn new(all: u64) -> Self {
        Self { open: AtomicU64::new(0), refused: AtomicU64::new(0), all }
    }

    /// Lets all below `number` through.
    pub(crate) fn open_to(&self, number: u64) {
        self.open.fetch_max(number.min(self.all), Ordering::Relaxed);
    }

    /// How many are let through by now.
    pub(crate) fn opened(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes note that a request was refused at the door, and will not be completed.
    pub(crate) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were refused at the door.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until the request `number` is let through; `false` if there is none.
    pub(crate) fn pass(&self, number: u64) -> bool {
        while number < self.all && number >= self.opened() {
            thread::park_timeout(PAUSE);
        }
        number < self.all
    }
}
