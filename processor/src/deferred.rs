//! Jobs waiting for memory for their results.
//!
//! **Invariant:** a record never waits here if the next commit of its partition waits for the record.
//! Only this commit frees the memory of the results behind the record.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use abacus_kafka::stream::{AckHandle, UncommittedBytes};
use parking_lot::Mutex;

use crate::job::Job;

/// Limit on the memory of uncommitted results.
pub(crate) struct MemoryGate {
    pub(crate) uncommitted: UncommittedBytes,
    pub(crate) limit: usize,
}

impl MemoryGate {
    fn is_open(&self) -> bool {
        self.uncommitted.bytes() < self.limit
    }

    /// True if a job may be computed now. A job of a revoked partition adds no result.
    fn admits(&self, ack: &AckHandle) -> bool {
        self.is_open() || ack.is_first() || !ack.is_current()
    }
}

/// The deferred jobs of a lane.
pub(crate) struct Deferred {
    gate: MemoryGate,
    jobs: Mutex<Jobs>,
    count: AtomicUsize,
}

#[derive(Default)]
struct Jobs {
    /// Jobs by partition, then by offset: only the first job of each partition needs a check. The
    /// number distinguishes two jobs of a record that was read twice.
    by_partition: BTreeMap<i32, BTreeMap<(i64, u64), Job>>,
    numbers: u64,
    /// Partition of the last taken job.
    last: i32,
}

impl Deferred {
    pub(crate) fn new(gate: MemoryGate) -> Self {
        Self { gate, jobs: Mutex::default(), count: AtomicUsize::new(0) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Returns a job that may be computed now. Defers any other job.
    pub(crate) fn admit(&self, job: Job) -> Option<Job> {
        if self.gate.admits(&job.context.ack) {
            return Some(job);
        }
        self.put(job);
        None
    }

    pub(crate) fn put(&self, job: Job) {
        self.jobs.lock().put(job);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a job that may be computed now. Partitions take turns.
    pub(crate) fn take(&self) -> Option<Job> {
        if self.is_empty() {
            return None;
        }
        let job = self.jobs.lock().take(&self.gate)?;
        self.count.fetch_sub(1, Ordering::AcqRel);
        Some(job)
    }
}

impl Jobs {
    fn put(&mut self, job: Job) {
        self.numbers += 1;
        let position = (job.context.offset, self.numbers);
        self.by_partition.entry(job.context.partition).or_default().insert(position, job);
    }

    fn take(&mut self, gate: &MemoryGate) -> Option<Job> {
        let is_admitted = |jobs: &BTreeMap<(i64, u64), Job>| {
            jobs.first_key_value().is_some_and(|(_, job)| gate.admits(&job.context.ack))
        };
        let (later, earlier) =
            (self.by_partition.range(self.last + 1..), self.by_partition.range(..=self.last));
        let (partition, _) = later.chain(earlier).find(|(_, jobs)| is_admitted(jobs))?;
        self.last = *partition;
        let jobs = self.by_partition.get_mut(&self.last)?;
        let job = jobs.pop_first().map(|(_, job)| job);
        if jobs.is_empty() {
            self.by_partition.remove(&self.last);
        }
        job
    }
}
