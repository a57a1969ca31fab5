//! How much has finished since the last transaction, and whom to wake when it is enough for one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::assignment::Amount;

pub(super) struct CommitTrigger {
    records: AtomicUsize,
    bytes: AtomicUsize,
    enough: Amount,
    is_woken: Mutex<bool>,
    wake: Condvar,
    /// A record was dropped without an outcome.
    is_abandoned: AtomicBool,
}

impl CommitTrigger {
    pub(super) fn new(enough: Amount) -> Self {
        Self {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            enough,
            is_woken: Mutex::new(false),
            wake: Condvar::new(),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// What is enough for a transaction.
    pub(super) fn enough(&self) -> Amount {
        self.enough
    }

    /// One more record has finished, with an output of `bytes`.
    pub(super) fn add(&self, bytes: usize) {
        let records = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if (Amount { records, bytes }).reaches(self.enough) {
            self.wake();
        }
    }

    /// What has finished is taken; counting begins anew.
    pub(super) fn reset(&self) {
        self.records.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    /// Ends a wait before its time.
    pub(super) fn wake(&self) {
        let mut is_woken = self.is_woken.lock();
        if !*is_woken {
            *is_woken = true;
            self.wake.notify_one();
        }
    }

    /// Waits until enough is finished for a transaction, or for `interval`.
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
