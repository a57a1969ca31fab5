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

/// Jobs waiting for a worker. Not bounded by itself: a partition whose backlog is full is paused,
/// so there are never more jobs than the backlogs of the assigned partitions.
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

/// Starts `count` workers.
pub(crate) fn spawn(
    runtime: &Runtime,
    count: usize,
    jobs: &Receiver<Job>,
    calculator: &Arc<Calculator>,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    for _ in 0..count {
        let worker = Worker {
            jobs: jobs.clone(),
            calculator: Arc::clone(calculator),
            metrics: metrics.clone(),
        };
        runtime.spawn_thread("worker", BUDGET, move |shutdown| {
            worker.run(&shutdown);
            Ok(())
        })?;
    }
    Ok(())
}

struct Worker {
    jobs: Receiver<Job>,
    calculator: Arc<Calculator>,
    metrics: Metrics,
}

impl Worker {
    fn run(&self, shutdown: &Shutdown) {
        loop {
            match self.jobs.recv_timeout(IDLE) {
                Ok(job) => self.work(job),
                Err(RecvTimeoutError::Timeout) if !shutdown.is_requested() => {}
                Err(_) => return,
            }
        }
    }

    /// A panic outside the computation itself, which has its own guard, must not cost the worker.
    fn work(&self, job: Job) {
        self.metrics.queued.dec();
        let timer = self.metrics.answering.start_timer();
        if catch_unwind(AssertUnwindSafe(|| self.calculator.take(job))).is_err() {
            self.metrics.panics.inc();
        }
        timer.observe_duration();
    }
}
