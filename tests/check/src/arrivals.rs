//! Live counts of completions and replies, for pacing and progress only. The verdict rests on full
//! scans at the end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abacus_testkit::{Follower, Isolation, System};

const PAUSE: Duration = Duration::from_millis(50);

/// Counts of distinct keys so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    completed: AtomicU64,
    replied: AtomicU64,
}

/// The counting thread.
pub(crate) struct Arrivals {
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Arrivals {
    pub(crate) fn watch(system: &System, reply_topic: &str) -> Self {
        Self::watch_into(system, reply_topic, Arc::default())
    }

    /// Continues with new readers. A reader that asked a lone broker for metadata during the
    /// broker's stop may have received an empty list of brokers, and never recovers from it
    /// (librdkafka issue 5301).
    pub(crate) fn renew(&mut self, system: &System, reply_topic: &str) {
        *self = Self::watch_into(system, reply_topic, Arc::clone(&self.counts));
    }

    fn watch_into(system: &System, reply_topic: &str, counts: Arc<Counts>) -> Self {
        let mut completed =
            Distinct::new(system.kafka.follow(&system.topics.completed, Isolation::Committed));
        let mut replied = Distinct::new(system.kafka.follow(reply_topic, Isolation::Uncommitted));
        let stop = Arc::<AtomicBool>::default();
        let (shared, stopped) = (Arc::clone(&counts), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                shared.completed.fetch_max(completed.count(), Ordering::Relaxed);
                shared.replied.fetch_max(replied.count(), Ordering::Relaxed);
                thread::park_timeout(PAUSE);
            }
        });
        Self { counts, stop, thread: Some(thread) }
    }

    /// Number of completed requests.
    pub(crate) fn completed(&self) -> u64 {
        self.counts.completed.load(Ordering::Relaxed)
    }

    /// Number of direct requests with a reply.
    pub(crate) fn replied(&self) -> u64 {
        self.counts.replied.load(Ordering::Relaxed)
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
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
