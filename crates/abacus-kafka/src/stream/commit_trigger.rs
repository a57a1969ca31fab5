//! Counts the records finished since the last commit batch, and wakes the committer when a batch is
//! large enough.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::amount::Amount;

pub(super) struct CommitTrigger {
    records: AtomicUsize,
    bytes: AtomicUsize,
    threshold: Amount,
    is_woken: Mutex<bool>,
    wake: Condvar,
    /// A record was dropped without an outcome.
    is_abandoned: AtomicBool,
}

impl CommitTrigger {
    pub(super) fn new(threshold: Amount) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            threshold,
            is_woken: Mutex::new(false),
            wake: Condvar::new(),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// The amount of finished records that starts a commit batch early.
    pub(super) fn threshold(&self) -> Amount {
        self.threshold
    }

    /// Counts a finished record with an output of `bytes`.
    pub(super) fn add(&self, bytes: usize) {
        let records = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if (Amount { records, bytes }).reaches(self.threshold) {
            self.wake();
        }
    }

    /// Starts counting anew, because the finished records are about to be taken.
    pub(super) fn reset(&self) {
        self.records.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Ends the current [`wait`](Self::wait), or the next if no thread is waiting.
    pub(super) fn wake(&self) {
        let mut is_woken = self.is_woken.lock();
        if !*is_woken {
            *is_woken = true;
            self.wake.notify_one();
        }
    }

    /// Waits until the threshold is reached, for `interval` at most.
    pub(super) fn wait(&self, interval: Duration) {
        let mut is_woken = self.is_woken.lock();
        if !*is_woken {
            self.wake.wait_for(&mut is_woken, interval);
        }
        *is_woken = false;
    }

    pub(super) fn mark_abandoned(&self) {
        self.is_abandoned.store(true, Ordering::Release);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    #[cfg(test)]
    pub(super) fn is_woken(&self) -> bool {
        *self.is_woken.lock()
    }
}
