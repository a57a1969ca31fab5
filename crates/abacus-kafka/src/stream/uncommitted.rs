//! The bytes of outputs that are finished and not yet committed.
//!
//! **Invariant:** the sum goes up and down only by a [`UncommittedCharge`], which gives back on drop what it
//! holds: however an assignment or a transaction ends, nothing stays counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of outputs of all partitions that are finished and not yet committed, those in the
/// transaction under way among them. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct UncommittedBytes(Arc<AtomicUsize>);

impl UncommittedBytes {
    /// The sum at this moment.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn charge(&self) -> UncommittedCharge {
        UncommittedCharge { uncommitted: self.clone(), bytes: 0 }
    }
}

/// A part of the sum, taken back on drop.
#[derive(Debug)]
pub(super) struct UncommittedCharge {
    uncommitted: UncommittedBytes,
    bytes: usize,
}

impl UncommittedCharge {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.uncommitted.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Hands `bytes` of it over to a charge of their own.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        debug_assert!(bytes <= self.bytes, "more is taken than was charged");
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { uncommitted: self.uncommitted.clone(), bytes }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hands all of it over.
    pub(super) fn take(&mut self) -> Self {
        self.split(self.bytes)
    }
}

impl Drop for UncommittedCharge {
    fn drop(&mut self) {
        self.uncommitted.0.fetch_sub(self.bytes, Ordering::Relaxed);
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
