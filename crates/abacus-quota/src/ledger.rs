//! The record of what one request took.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::admission::MemoryPermit;
use crate::rate_limit::RateLimitStatus;

/// Record of the units and the memory that one request took. Clones share the record.
///
/// Whatever handles the request notes the units here and leaves the permit of the answer's memory here. Once the answer
/// begins, [`Ledger::take`] closes the record: later units are not told, and later permits go back to their taker.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    charges: Charges,
    is_closed: bool,
}

/// Units and memory that a request took.
#[derive(Debug, Default)]
pub struct Charges {
    /// Policies, and their status after the request.
    pub statuses: Vec<(&'static str, RateLimitStatus)>,
    /// Memory of the answer.
    pub permits: Vec<MemoryPermit>,
}

impl Ledger {
    /// Notes that units of a policy were taken.
    pub fn note(&self, policy: &'static str, status: RateLimitStatus) {
        let mut state = self.0.lock();
        if !state.is_closed {
            state.charges.statuses.push((policy, status));
        }
    }

    /// Keeps a permit for the answer. Returns the permit if the answer has begun.
    #[must_use = "a returned permit is free once it is dropped"]
    pub fn hold(&self, permit: MemoryPermit) -> Option<MemoryPermit> {
        let mut state = self.0.lock();
        if state.is_closed {
            return Some(permit);
        }
        state.charges.permits.push(permit);
        None
    }

    /// Closes the record and returns its content.
    pub fn take(&self) -> Charges {
        let mut state = self.0.lock();
        state.is_closed = true;
        std::mem::take(&mut state.charges)
    }
}
