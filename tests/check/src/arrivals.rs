//! Counts what arrives in topics while the load runs. Only for pacing and for progress: the verdict
//! rests on full scans at the end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abacus_testkit::{Follower, Isolation, System};

const PAUSE: Duration = Duration::from_millis(50);

/// What has arrived by now, each key once.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    completed: AtomicU64,
    replied: AtomicU64,
    stop: AtomicBool,
}

/// The thread that counts.
pub(crate) struct Arrivals {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Arrivals {
    pub(crate) fn watch(system: &System, reply_topic: &str) -> Self {
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let mut completed =
            Distinct::new(system.kafka.follow(&system.topics.completed, Isolation::Committed));
        let mut replied = Distinct::new(system.kafka.follow(reply_topic, Isolation::Uncommitted));
        let thread = thread::spawn(move || {
            while !shared.stop.load(Ordering::Relaxed) {
                shared.completed.store(completed.count(), Ordering::Relaxed);
                shared.replied.store(replied.count(), Ordering::Relaxed);
                thread::park_timeout(PAUSE);
            }
        });
        Self { counts, thread: Some(thread) }
    }

    /// Requests that are completed.
    pub(crate) fn completed(&self) -> u64 {
        self.counts.completed.load(Ordering::Relaxed)
    }

    /// Direct requests that are answered.
    pub(crate) fn replied(&self) -> u64 {
        self.counts.replied.load(Ordering::Relaxed)
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Distinct {
    follower: Follower,
    keys: HashSet<Vec<u8>>,
}

impl Distinct {
    fn new(follower: Follower) -> Self {
        Self { follower, keys: HashSet::new() }
    }

    fn count(&mut self) -> u64 {
        self.keys.extend(self.follower.take().into_iter().map(|record| record.key));
        self.keys.len() as u64
    }
}
