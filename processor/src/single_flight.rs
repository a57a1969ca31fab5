//! Costly computations that are wanted several times at once are made once: a job that finds its
//! computation under way leaves itself with it and frees its worker.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::job::Job;

/// The computations under way, and the jobs that wait for each beside the one that leads it.
#[derive(Default)]
pub(crate) struct SingleFlight {
    waiting: Mutex<HashMap<Box<str>, Vec<Job>>>,
}

impl SingleFlight {
    /// Leaves the job with the computation under way, or gives it back to lead that computation:
    /// then [`Self::land`] must be called.
    pub(crate) fn join(&self, job: Job, canonical: &str) -> Option<Job> {
        let mut waiting = self.waiting.lock();
        if let Some(jobs) = waiting.get_mut(canonical) {
            jobs.push(job);
            return None;
        }
        waiting.insert(canonical.into(), Vec::new());
        Some(job)
    }

    /// Whether one of those that wait still wants the result.
    pub(crate) fn is_wanted(&self, canonical: &str) -> bool {
        self.waiting.lock().get(canonical).is_some_and(|jobs| jobs.iter().any(Job::is_wanted))
    }

    /// The computation is over; these have waited for it.
    pub(crate) fn land(&self, canonical: &str) -> Vec<Job> {
        self.waiting.lock().remove(canonical).unwrap_or_default()
    }
}
