//! The gate of the load. The gate passes a few requests at a time, so requests are in flight during
//! every fault.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(5);

/// Number of requests allowed so far.
#[derive(Debug)]
pub(crate) struct Gate {
    open: AtomicU64,
    refused: AtomicU64,
    all: u64,
}

impl Gate {
    /// A closed gate for `all` requests.
    pub(crate) fn new(all: u64) -> Self {
        Self { open: AtomicU64::new(0), refused: AtomicU64::new(0), all }
    }

    /// Allows all requests below `number`.
    pub(crate) fn open_to(&self, number: u64) {
        self.open.fetch_max(number.min(self.all), Ordering::Relaxed);
    }

    /// Number of requests allowed so far.
    pub(crate) fn opened(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a request refused over HTTP. Such a request is never completed.
    pub(crate) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of requests refused over HTTP.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until the request `number` is allowed. Returns `false` if the load has no such
    /// request.
    pub(crate) fn pass(&self, number: u64) -> bool {
        while number < self.all && number >= self.opened() {
            thread::park_timeout(PAUSE);
        }
        number < self.all
    }
}
