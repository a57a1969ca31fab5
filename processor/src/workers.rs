//! The computing threads of a lane, and the queue before them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::prometheus::IntGauge;
use abacus_runtime::{Runtime, Shutdown};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::calculator::Calculator;
use crate::deferred::{Deferred, MemoryGate};
use crate::job::Job;
use crate::lane::Lane;
use crate::metrics::Metrics;

/// How often an idle worker looks at the shutdown flag.
const IDLE: Duration = Duration::from_millis(100);
/// How often deferred jobs are looked at.
const DEFERRED: Duration = Duration::from_millis(2);
/// How long a worker may take to end its last computation, which nobody wants any more.
const BUDGET: Duration = Duration::from_secs(2);
/// The niceness of heavy computations: a core that has something else to do does that first.
const HEAVY_NICENESS: i32 = 19;

/// Jobs waiting for a worker. Not bounded by itself: a partition whose backlog is full is paused. Jobs
/// of a partition that has moved on are skipped.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: Sender<Job>,
    queued: IntGauge,
}

impl Queue {
    pub(crate) fn new(lane: Lane, metrics: &Metrics) -> (Self, Receiver<Job>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self { sender, queued: metrics.queued.with_label_values(&[lane.as_str()]) }, receiver)
    }

    pub(crate) fn push(&self, job: Job) {
        self.queued.inc();
        if self.sender.send(job).is_err() {
            tracing::debug!("a job came after the workers ended; its record is read again");
        }
    }
}

/// The workers of one lane.
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

    /// Starts `count` threads, as one task.
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

    /// At shutdown the source has drained before: what is still queued belongs to nobody here.
    fn run(&self, shutdown: &Shutdown) {
        if self.lane == Lane::Heavy {
            step_back();
        }
        while !shutdown.is_requested() {
            match self.next() {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The next job that may be worked on. One that may not is put aside, so that it blocks nobody:
    /// the record that all others wait for may be behind it.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        if let Some(job) = self.deferred.take() {
            return Ok(job);
        }
        let patience = if self.deferred.is_empty() { IDLE } else { DEFERRED };
        let job = self.jobs.recv_timeout(patience)?;
        self.deferred.admit(job).ok_or_else(|| {
            self.metrics.deferred.inc();
            RecvTimeoutError::Timeout
        })
    }

    /// A panic must not cost the worker. The computation has a guard of its own, which answers; one
    /// elsewhere drops the job's ack, which fails the stream.
    fn work(&self, job: Job) {
        self.queued.dec();
        self.busy.inc();
        let timer = self.metrics.answering.start_timer();
        match catch_unwind(AssertUnwindSafe(|| self.calculator.take(job, self.lane))) {
            Ok(again) => self.put_back(again),
            Err(_) => self.metrics.panics.inc(),
        }
        timer.observe_duration();
        self.busy.dec();
    }

    /// Jobs that waited for a computation: however many they are, their answers take memory only
    /// as it becomes free.
    fn put_back(&self, jobs: Vec<Job>) {
        for job in jobs {
            self.queued.inc();
            self.deferred.put(job);
        }
    }
}

/// Lets everybody else go first on this thread's core.
fn step_back() {
    // Linux takes the calling thread where no process is named.
    if let Err(error) = rustix::process::setpriority_process(None, HEAVY_NICENESS) {
        tracing::warn!(error = %error, "heavy work keeps its priority");
    }
}
