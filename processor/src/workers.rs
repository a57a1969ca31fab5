//! The computing threads of a lane, and their queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::prometheus::{IntCounterVec, IntGauge};
use abacus_runtime::{Runtime, Shutdown};
use abacus_schemas::ComputeRequested;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::calculator::Calculator;
use crate::deferred::{Deferred, MemoryGate};
use crate::job::{Job, RecordContext};
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::repeats::{Recurrence, Repeats};

/// Interval at which an idle worker checks for shutdown.
const IDLE: Duration = Duration::from_millis(100);
/// Interval at which deferred jobs are checked.
const DEFERRED: Duration = Duration::from_millis(2);
/// Longest time for a worker to end its last, unwanted computation at shutdown.
const BUDGET: Duration = Duration::from_secs(2);
/// Niceness of heavy computations: all other work of a core comes first.
const HEAVY_NICENESS: i32 = 19;

/// Jobs waiting for a worker. The queue itself is unbounded; the backlog limit of each partition bounds
/// the jobs. Jobs of revoked partitions are skipped.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: Sender<Job>,
    queued: IntGauge,
    repeats: Arc<Repeats>,
    recurrences: IntCounterVec,
}

impl Queue {
    /// `repeats` remembers the requests of the lane.
    pub(crate) fn new(lane: Lane, repeats: Repeats, metrics: &Metrics) -> (Self, Receiver<Job>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let queued = metrics.queued.with_label_values(&[lane.as_str()]);
        let (repeats, recurrences) = (Arc::new(repeats), metrics.recurrences.clone());
        (Self { sender, queued, repeats, recurrences }, receiver)
    }

    /// Queues a request. Requests come in the order of their offsets, except after a look-up of a
    /// schema.
    pub(crate) fn push(&self, request: ComputeRequested, context: RecordContext) {
        let recurrence = self.classify(&request, &context);
        // The main lane has counted a marked repeat.
        if recurrence != Recurrence::First && !context.is_marked_repeat {
            self.recurrences.with_label_values(&[recurrence.as_str()]).inc();
        }
        self.queued.inc();
        if self.sender.send(Job { request, context, recurrence, outcome: None }).is_err() {
            tracing::debug!("the workers have ended; the record will be read again");
        }
    }

    fn classify(&self, request: &ComputeRequested, context: &RecordContext) -> Recurrence {
        let recurrence = self.repeats.classify(context.partition, context.offset, request);
        if context.is_marked_repeat { Recurrence::Repeat } else { recurrence }
    }
}

/// The workers of a lane.
pub(crate) struct Workers {
    lane: Lane,
    jobs: Receiver<Job>,
    deferred: Deferred,
    calculator: Arc<Calculator>,
    metrics: Metrics,
    queued: IntGauge,
    busy: IntGauge,
}

impl Workers {
    pub(crate) fn new(
        lane: Lane,
        jobs: Receiver<Job>,
        gate: MemoryGate,
        calculator: Arc<Calculator>,
        metrics: Metrics,
    ) -> Self {
        let queued = metrics.queued.with_label_values(&[lane.as_str()]);
        let busy = metrics.busy.with_label_values(&[lane.as_str()]);
        Self { lane, jobs, deferred: Deferred::new(gate), calculator, metrics, queued, busy }
    }

    /// Starts `count` threads as a single task.
    pub(crate) fn spawn(self, runtime: &Runtime, count: usize) -> anyhow::Result<()> {
        let name = self.lane.task("workers", "heavy-workers");
        runtime.spawn_thread(name, BUDGET, move |shutdown| {
            std::thread::scope(|scope| {
                for _ in 0..count {
                    scope.spawn(|| self.run(&shutdown));
                }
            });
            Ok(())
        })
    }

    /// Works until shutdown. The source has drained by then, so jobs left in the queue are not wanted.
    fn run(&self, shutdown: &Shutdown) {
        if self.lane == Lane::Heavy {
            lower_priority();
        }
        while !shutdown.is_requested() {
            match self.next() {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes the next job that may be computed now. Defers a job without memory for its result, since
    /// a record that the next commit waits for may be behind it in the queue.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        if let Some(job) = self.deferred.take() {
            return Ok(job);
        }
        let wait = if self.deferred.is_empty() { IDLE } else { DEFERRED };
        let job = self.jobs.recv_timeout(wait)?;
        self.deferred.admit(job).ok_or_else(|| {
            self.metrics.deferred.inc();
            RecvTimeoutError::Timeout
        })
    }

    /// Processes a job, and survives a panic. The calculator answers a panic of a computation itself.
    /// Any other panic drops the job's ack handle, which fails the stream.
    fn work(&self, job: Job) {
        self.queued.dec();
        self.busy.inc();
        let timer = self.metrics.answering.start_timer();
        match catch_unwind(AssertUnwindSafe(|| self.calculator.process(job, self.lane))) {
            Ok(jobs) => self.put_back(jobs),
            Err(_) => self.metrics.panics.inc(),
        }
        timer.observe_duration();
        self.busy.dec();
    }

    /// Defers jobs that waited for a computation. Their answers then take memory only as memory becomes
    /// free.
    fn put_back(&self, jobs: Vec<Job>) {
        for job in jobs {
            self.queued.inc();
            self.deferred.put(job);
        }
    }
}

/// Gives this thread the lowest CPU priority.
fn lower_priority() {
    // Without a process id, Linux changes the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, HEAVY_NICENESS) {
        tracing::warn!(error = %error, "cannot lower the priority of a heavy worker");
    }
}
