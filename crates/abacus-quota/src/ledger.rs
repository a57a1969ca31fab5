//! The units and the memory that one request took, collected for its answer.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::admission::MemoryPermit;
use crate::rate_limit::RateLimitStatus;

/// Record of the units and the memory that a request took. Clones share the record.
///
/// The handlers of the request note units here, and leave here the permit for the answer's memory. [`Ledger::take`] closes
/// the record when the answer begins. A closed record ignores units, and returns a permit to the handler.
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
    /// Policies, each with the status after the request.
    pub statuses: Vec<(&'static str, RateLimitStatus)>,
    /// Memory of the answer.
    pub permits: Vec<MemoryPermit>,
}

impl Ledger {
    /// Notes the status of a policy after units were taken. A closed record ignores the status.
    pub fn note(&self, policy: &'static str, status: RateLimitStatus) {
        let mut state = self.0.lock();
        if !state.is_closed {
            state.charges.statuses.push((policy, status));
        }
    }

    /// Keeps a permit for the answer. Returns the permit if the record is closed.
    #[must_use = "a returned permit is free once it is dropped"]
    pub fn hold(&self, permit: MemoryPermit) -> Option<MemoryPermit> {
        let mut state = self.0.lock();
        if state.is_closed {
            return Some(permit);
        }
        state.charges.permits.push(permit);
        None
    }

    /// Closes the record. Returns the content.
    pub fn take(&self) -> Charges {
        let mut state = self.0.lock();
        state.is_closed = true;
        std::mem::take(&mut state.charges)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use abacus_runtime::{Config as _, Environment};

    use super::*;
    use crate::{Admission, AdmissionConfig, Metrics, Subject};

    const STATUS: RateLimitStatus =
        RateLimitStatus { remaining: 7, reset_after: Duration::from_secs(3) };

    /// Admission with the default settings.
    fn admission() -> Arc<Admission> {
        let mut env = Environment::from_pairs::<&str, &str>([]);
        let config = AdmissionConfig::read(&mut env);
        env.finish().unwrap();
        Arc::new(Admission::new(config, 10, Metrics::unregistered()))
    }

    fn permit(admission: &Arc<Admission>) -> MemoryPermit {
        let subject = Subject::named("user", Arc::from("ada"));
        admission.hold_memory(&subject, 1).unwrap()
    }

    #[test]
    fn the_answer_takes_all_that_was_noted_through_any_clone() {
        let (ledger, admission) = (Ledger::default(), admission());
        ledger.clone().note("reads", STATUS);
        assert!(ledger.clone().hold(permit(&admission)).is_none());
        let charges = ledger.take();
        assert_eq!(charges.statuses, [("reads", STATUS)]);
        assert_eq!(charges.permits.len(), 1);
    }

    #[test]
    fn once_the_answer_has_begun_a_permit_goes_back_and_units_are_not_noted() {
        let (ledger, admission) = (Ledger::default(), admission());
        let clone = ledger.clone();
        drop(ledger.take());
        assert!(clone.hold(permit(&admission)).is_some());
        clone.note("reads", STATUS);
        let charges = clone.take();
        assert!(charges.statuses.is_empty() && charges.permits.is_empty());
    }
}
