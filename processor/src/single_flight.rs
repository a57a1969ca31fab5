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
    /// Leaves the job with the computation under way, or gives it back to lead that computation.
    pub(crate) fn join<'a>(&'a self, job: Job, canonical: &'a str) -> Option<(Job, Flight<'a>)> {
        let mut waiting = self.waiting.lock();
        if let Some(jobs) = waiting.get_mut(canonical) {
            jobs.push(job);
            return None;
        }
        waiting.insert(canonical.into(), Vec::new());
        Some((job, Flight { flights: self, canonical, has_landed: false }))
    }
}

/// A computation under way. Should its leader panic, those that wait are dropped with it, which fails
/// the stream: they are read again.
pub(crate) struct Flight<'a> {
    flights: &'a SingleFlight,
    canonical: &'a str,
    has_landed: bool,
}

impl Flight<'_> {
    /// Whether one of those that wait still wants the result.
    pub(crate) fn is_wanted(&self) -> bool {
        let waiting = self.flights.waiting.lock();
        waiting.get(self.canonical).is_some_and(|jobs| jobs.iter().any(Job::is_wanted))
    }

    /// The computation is over; these have waited for it.
    pub(crate) fn land(mut self) -> Vec<Job> {
        self.has_landed = true;
        self.end()
    }

    fn end(&self) -> Vec<Job> {
        self.flights.waiting.lock().remove(self.canonical).unwrap_or_default()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.has_landed {
            drop(self.end());
        }
    }
}
