//! Deduplicates concurrent computations: a job joins an equal computation in flight, and frees its
//! worker.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::job::Job;

/// The computations in flight, with the jobs waiting for each. The leading job is not among them.
#[derive(Default)]
pub(crate) struct SingleFlight {
    waiting: Mutex<HashMap<Box<str>, Vec<Job>>>,
}

impl SingleFlight {
    /// Adds the job to the computation in flight. Without one, returns the job to lead a new
    /// computation.
    pub(crate) fn join<'a>(&'a self, job: Job, canonical: &'a str) -> Option<(Job, Flight<'a>)> {
        let mut waiting = self.waiting.lock();
        if let Some(jobs) = waiting.get_mut(canonical) {
            jobs.push(job);
            return None;
        }
        waiting.insert(canonical.into(), Vec::new());
        Some((job, Flight { flights: self, canonical, is_finished: false }))
    }
}

/// A computation in flight. If the leading job panics, the waiting jobs are dropped too. The drop
/// fails the stream, and the records are read again.
pub(crate) struct Flight<'a> {
    flights: &'a SingleFlight,
    canonical: &'a str,
    is_finished: bool,
}

impl Flight<'_> {
    /// True if a waiting job still wants the result.
    pub(crate) fn is_wanted(&self) -> bool {
        let waiting = self.flights.waiting.lock();
        waiting.get(self.canonical).is_some_and(|jobs| jobs.iter().any(Job::is_wanted))
    }

    /// Ends the computation. Returns the waiting jobs.
    pub(crate) fn finish(mut self) -> Vec<Job> {
        self.is_finished = true;
        self.take_waiting()
    }

    fn take_waiting(&self) -> Vec<Job> {
        self.flights.waiting.lock().remove(self.canonical).unwrap_or_default()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            drop(self.take_waiting());
        }
    }
}
