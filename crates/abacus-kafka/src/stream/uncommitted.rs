//! The bytes of finished outputs awaiting their commit.
//!
//! **Invariant:** only [`UncommittedCharge`]s change the sum, and dropping a charge subtracts the
//! bytes. So the sum returns to zero however an assignment or a transaction ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of finished outputs, over all partitions, that are not yet committed. Outputs in the
/// current commit batch count too. Cloning and reading are cheap.
#[derive(Clone, Debug, Default)]
pub struct UncommittedBytes(Arc<AtomicUsize>);

impl UncommittedBytes {
    /// The current sum.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn charge(&self) -> UncommittedCharge {
        UncommittedCharge { total: self.clone(), bytes: 0 }
    }
}

/// A part of the sum, subtracted on drop.
#[derive(Debug)]
pub(super) struct UncommittedCharge {
    total: UncommittedBytes,
    bytes: usize,
}

impl UncommittedCharge {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.total.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Moves `bytes` into a new charge.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        debug_assert!(bytes <= self.bytes, "cannot split off more than was charged");
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { total: self.total.clone(), bytes }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves all bytes into a new charge.
    pub(super) fn take(&mut self) -> Self {
        self.split(self.bytes)
    }
}

impl Drop for UncommittedCharge {
    fn drop(&mut self) {
        self.total.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_until_all_its_parts_are_dropped() {
        let uncommitted = UncommittedBytes::default();
        let mut charge = uncommitted.charge();
        charge.add(10);
        charge.add(5);
        let part = charge.split(10);
        assert_eq!(uncommitted.bytes(), 15);
        drop(charge);
        assert_eq!(uncommitted.bytes(), 10);
        drop(part);
        assert_eq!(uncommitted.bytes(), 0);
    }
}
