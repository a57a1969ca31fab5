//! The computing threads, and the queue before them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::{Runtime, Shutdown};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::calculator::Calculator;
use crate::job::Job;
use crate::metrics::Metrics;

/// How often an idle worker looks at the shutdown flag.
const IDLE: Duration = Duration::from_millis(100);
/// How long a worker may take to end its last computation.
const BUDGET: Duration = Duration::from_secs(5);

/// Jobs waiting for a worker. Not bounded by itself: a partition whose backlog is full is paused. Jobs
/// of a partition that has moved on are skipped.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: Sender<Job>,
    metrics: Metrics,
}

impl Queue {
    pub(crate) fn new(metrics: Metrics) -> (Self, Receiver<Job>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self { sender, metrics }, receiver)
    }

    pub(crate) fn push(&self, job: Job) {
        self.metrics.queued.inc();
        if self.sender.send(job).is_err() {
            tracing::debug!("a job came after the workers ended; its record is read again");
        }
    }
}

/// Starts `count` workers, as one task.
pub(crate) fn spawn(runtime: &Runtime, count: usize, worker: Worker) -> anyhow::Result<()> {
    runtime.spawn_thread("workers", BUDGET, move |shutdown| {
        std::thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(|| worker.run(&shutdown));
            }
        });
        Ok(())
    })
}

/// What every worker needs.
pub(crate) struct Worker {
    pub(crate) jobs: Receiver<Job>,
    pub(crate) calculator: Arc<Calculator>,
    pub(crate) metrics: Metrics,
}

impl Worker {
    /// At shutdown the source has drained before: what is still queued belongs to nobody here.
    fn run(&self, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            match self.jobs.recv_timeout(IDLE) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// A panic must not cost the worker. The computation has a guard of its own, which answers; one
    /// elsewhere drops the job's ticket, which fails the stream.
    fn work(&self, job: Job) {
        self.metrics.queued.dec();
        if !job.envelope.ticket.is_current() {
            return;
        }
        let timer = self.metrics.answering.start_timer();
        if catch_unwind(AssertUnwindSafe(|| self.calculator.take(job))).is_err() {
            self.metrics.panics.inc();
        }
        timer.observe_duration();
    }
}
