//! Jobs that wait until there is memory for their results.
//!
//! **Invariant:** a record that its partition's next commit waits for never waits here: what is held
//! behind it can go no other way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use abacus_kafka::stream::{AckHandle, UncommittedBytes};
use parking_lot::Mutex;

use crate::job::Job;

/// How much finished work may be held in memory until it is committed.
pub(crate) struct MemoryGate {
    pub(crate) uncommitted: UncommittedBytes,
    pub(crate) limit: usize,
}

impl MemoryGate {
    fn is_open(&self) -> bool {
        self.uncommitted.bytes() < self.limit
    }

    /// Whether this job's result may be added. One of a partition that has moved on adds none.
    fn admits(&self, ack: &AckHandle) -> bool {
        self.is_open() || ack.is_first() || !ack.is_current()
    }
}

/// The jobs of one lane that were not admitted yet.
pub(crate) struct Deferred {
    gate: MemoryGate,
    jobs: Mutex<Jobs>,
    count: AtomicUsize,
}

#[derive(Default)]
struct Jobs {
    /// By partition, then by offset, so that only the first of each partition needs looking at. The
    /// number tells records apart that were read twice.
    by_partition: BTreeMap<i32, BTreeMap<(i64, u64), Job>>,
    numbers: u64,
    /// The partition that was served last.
    last: i32,
}

impl Deferred {
    pub(crate) fn new(gate: MemoryGate) -> Self {
        Self { gate, jobs: Mutex::default(), count: AtomicUsize::new(0) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Gives the job back if it may be worked on now.
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

    /// A job that may be worked on by now. Partitions take turns.
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
