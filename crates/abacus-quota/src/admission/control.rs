//! The requests in flight, and their permits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::config::AdmissionConfig;
use super::demand::{AdmissionError, Demand, QueueKind, WaitKind};
use super::queue::Queue;
use super::usage::{Usage, UsageBySubject};
use crate::metrics::Metrics;
use crate::subject::Subject;

/// Largest number of concurrent event streams of a subject.
const STREAMS: u64 = 100;

/// Usage of a wait.
const WAIT: Usage = Usage { requests: 1, bytes: 0 };

/// Admission control of an instance.
pub struct Admission {
    max_bytes: u64,
    max_delay: Duration,
    bytes: AtomicU64,
    requests: UsageBySubject,
    streams: UsageBySubject,
    main: Queue,
    heavy: Queue,
    metrics: Metrics,
}

/// The turn of a computation.
#[must_use]
pub struct ComputePermit {
    admission: Arc<Admission>,
    subject: Subject,
    queue: QueueKind,
    is_answered: bool,
}

/// The memory of an answer.
#[must_use]
pub struct MemoryPermit {
    admission: Arc<Admission>,
    subject: Subject,
    bytes: u64,
}

/// Permission to wait for an earlier computation. A wait counts in the subject's share of requests; the memory and the
/// queue are counted where the computation was admitted.
#[must_use]
pub struct WaitPermit {
    admission: Arc<Admission>,
    subject: Subject,
    kind: WaitKind,
}

impl Admission {
    /// Admission for an instance on which at most `max_waiters` requests wait.
    pub fn new(config: AdmissionConfig, max_waiters: usize, metrics: Metrics) -> Self {
        let share = |all: u64| (all / 100).saturating_mul(config.share.into()).max(all.min(1));
        let max_waiters = u64::try_from(max_waiters).unwrap_or(u64::MAX);
        let most = max_waiters.saturating_mul(config.share.into()).div_ceil(100).max(1);
        Self {
            max_bytes: config.max_bytes.as_u64(),
            max_delay: config.max_delay,
            bytes: AtomicU64::new(0),
            requests: UsageBySubject::new(most, share(config.max_bytes.as_u64())),
            streams: UsageBySubject::new(STREAMS, u64::MAX),
            main: Queue::new(),
            heavy: Queue::new(),
            metrics,
        }
    }

    /// Admits a computation.
    pub fn enter(
        self: &Arc<Self>,
        subject: &Subject,
        demand: Demand,
    ) -> Result<(ComputePermit, MemoryPermit), AdmissionError> {
        let usage = Usage { requests: 1, bytes: demand.bytes };
        self.take(subject, usage, || self.try_hold(demand))?;
        let compute = ComputePermit {
            admission: Arc::clone(self),
            subject: subject.clone(),
            queue: demand.queue,
            is_answered: false,
        };
        Ok((compute, self.memory_permit(subject, demand.bytes)))
    }

    /// Counts the memory of an existing answer.
    pub fn hold_memory(
        self: &Arc<Self>,
        subject: &Subject,
        bytes: u64,
    ) -> Result<MemoryPermit, AdmissionError> {
        let hold = || self.hold(bytes).then_some(()).ok_or(AdmissionError::Bytes);
        self.take(subject, Usage { requests: 0, bytes }, hold)?;
        Ok(self.memory_permit(subject, bytes))
    }

    /// Admits a wait for an earlier computation.
    pub fn wait(
        self: &Arc<Self>,
        subject: Subject,
        kind: WaitKind,
    ) -> Result<WaitPermit, AdmissionError> {
        let entered = self.waits(kind).enter(&subject, WAIT);
        let entered = entered.map_err(|limit| AdmissionError::Share { limit });
        entered.inspect_err(|error| self.count(*error))?;
        Ok(WaitPermit { admission: Arc::clone(self), subject, kind })
    }

    fn memory_permit(self: &Arc<Self>, subject: &Subject, bytes: u64) -> MemoryPermit {
        MemoryPermit { admission: Arc::clone(self), subject: subject.clone(), bytes }
    }

    /// Takes `usage` of the subject's share, and then the common resources by `hold`.
    fn take(
        &self,
        subject: &Subject,
        usage: Usage,
        hold: impl FnOnce() -> Result<(), AdmissionError>,
    ) -> Result<(), AdmissionError> {
        let entered = self.requests.enter(subject, usage);
        let entered = entered.map_err(|limit| AdmissionError::Share { limit });
        let taken =
            entered.and_then(|()| hold().inspect_err(|_| self.requests.leave(subject, usage)));
        taken.inspect_err(|error| self.count(*error))
    }

    fn count(&self, error: AdmissionError) {
        self.metrics.shed.with_label_values(&[error.label()]).inc();
    }

    fn try_hold(&self, demand: Demand) -> Result<(), AdmissionError> {
        let queue = self.queue(demand.queue);
        if let Some(excess) = queue.excess(self.max_delay, Instant::now()) {
            return Err(AdmissionError::Delay(excess));
        }
        if !self.hold(demand.bytes) {
            return Err(AdmissionError::Bytes);
        }
        queue.enter();
        Ok(())
    }

    /// Counts bytes. A request larger than the limit is admitted if no byte is in flight.
    fn hold(&self, bytes: u64) -> bool {
        let fits = |held: u64| {
            let sum = held.saturating_add(bytes);
            (held == 0 || sum <= self.max_bytes).then_some(sum)
        };
        let held = self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits);
        if held.is_ok() {
            self.metrics.in_flight_bytes.add(signed(bytes));
        }
        held.is_ok()
    }

    fn queue(&self, kind: QueueKind) -> &Queue {
        match kind {
            QueueKind::Main => &self.main,
            QueueKind::Heavy => &self.heavy,
        }
    }

    fn waits(&self, kind: WaitKind) -> &UsageBySubject {
        match kind {
            WaitKind::Wait => &self.requests,
            WaitKind::Stream => &self.streams,
        }
    }
}

impl ComputePermit {
    /// Notes the arrival of the reply. The rate of answers feeds the estimate of the queue delay.
    pub fn mark_answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for ComputePermit {
    fn drop(&mut self) {
        self.admission.requests.leave(&self.subject, Usage { requests: 1, bytes: 0 });
        self.admission.queue(self.queue).leave(self.is_answered);
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        let Self { admission, subject, bytes } = self;
        admission.bytes.fetch_sub(*bytes, Ordering::AcqRel);
        admission.metrics.in_flight_bytes.sub(signed(*bytes));
        admission.requests.leave(subject, Usage { requests: 0, bytes: *bytes });
    }
}

impl Drop for WaitPermit {
    fn drop(&mut self) {
        self.admission.waits(self.kind).leave(&self.subject, WAIT);
    }
}

impl std::fmt::Debug for ComputePermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ComputePermit").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MemoryPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryPermit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WaitPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitPermit").field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
