//! Registry of the tasks of a process: running tasks, failures, and the order of stopping.
//!
//! Tasks stop in reverse order of spawning, one at a time, each within its budget. A task has
//! failed if the task ends before a shutdown begins, or returns an error or panics at any time. A
//! failure begins the shutdown. During a shutdown a task may end before its turn, because its
//! upstream task has stopped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tracing::{error, info};

use crate::shutdown::Shutdown;

/// Failure of a task to run or to stop.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    /// The task returned before a shutdown was requested.
    #[error("task {task} ended although no shutdown was requested")]
    EndedEarly {
        /// Name of the task.
        task: &'static str,
    },
    /// The task returned an error.
    #[error("task {task} failed: {source:#}")]
    Failed {
        /// Name of the task.
        task: &'static str,
        /// Error of the task.
        source: anyhow::Error,
    },
    /// The task panicked.
    #[error("task {task} panicked: {message}")]
    Panicked {
        /// Name of the task.
        task: &'static str,
        /// Message of the panic.
        message: String,
    },
    /// The task did not end within its budget and was abandoned.
    #[error("task {task} did not stop within {budget:?}")]
    BudgetExceeded {
        /// Name of the task.
        task: &'static str,
        /// Budget of the task.
        budget: Duration,
    },
}

/// The registry of tasks.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tokio: Handle,
    stopping: Shutdown,
    running: Mutex<Vec<Running>>,
    failures: Mutex<Vec<TaskFailure>>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    budget: Duration,
    shutdown: Shutdown,
    /// `None` for a thread, because a thread cannot be stopped from outside.
    abort: Option<AbortHandle>,
}

#[derive(Debug)]
struct Running {
    task: Task,
    /// Closes once the task has ended and the outcome is recorded.
    ended: oneshot::Receiver<()>,
}

/// Outcome of a task's body.
enum Outcome {
    Returned,
    Failed(anyhow::Error),
    Panicked(String),
}

impl Tasks {
    /// Creates a registry whose tasks run on the current tokio runtime. A failure requests
    /// `stopping`.
    pub(crate) fn new(stopping: Shutdown) -> Self {
        let shared = Shared {
            tokio: Handle::current(),
            stopping,
            running: Mutex::default(),
            failures: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn spawn<F, Fut>(&self, name: &'static str, budget: Duration, task: F)
    where
        F: FnOnce(Shutdown) -> Fut,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let shutdown = Shutdown::new();
        let handle = self.shared.tokio.spawn(task(shutdown.clone()));
        let abort = Some(handle.abort_handle());
        let outcome = async move {
            match handle.await {
                Ok(result) => Outcome::from(result),
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => Outcome::Panicked(panic_message(payload.as_ref())),
                    Err(_aborted) => Outcome::Returned,
                },
            }
        };
        self.supervise(Task { name, budget, shutdown, abort }, outcome);
    }

    pub(crate) fn spawn_thread<F>(
        &self,
        name: &'static str,
        budget: Duration,
        body: F,
    ) -> anyhow::Result<()>
    where
        F: FnOnce(Shutdown) -> anyhow::Result<()> + Send + 'static,
    {
        let shutdown = Shutdown::new();
        let given = shutdown.clone();
        let (report, reported) = oneshot::channel();
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| body(given)));
            let outcome = result.map_or_else(
                |payload| Outcome::Panicked(panic_message(payload.as_ref())),
                Outcome::from,
            );
            // The receiver is gone only when the tokio runtime has ended; the outcome is then of no
            // use.
            let _ = report.send(outcome);
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .with_context(|| format!("could not start the thread {name}"))?;
        let outcome = async move { reported.await.unwrap_or(Outcome::Returned) };
        self.supervise(Task { name, budget, shutdown, abort: None }, outcome);
        Ok(())
    }

    /// Time limit for stopping all tasks: the sum of the budgets.
    pub(crate) fn total_budget(&self) -> Duration {
        lock(&self.shared.running).iter().map(|running| running.task.budget).sum()
    }

    /// Stops every task, the latest first. Returns all failures since the start.
    pub(crate) async fn stop(&self) -> Vec<TaskFailure> {
        self.shared.stopping.request();
        while let Some(running) = self.latest() {
            self.stop_one(running).await;
        }
        std::mem::take(&mut lock(&self.shared.failures))
    }

    fn latest(&self) -> Option<Running> {
        lock(&self.shared.running).pop()
    }

    async fn stop_one(&self, Running { task, ended }: Running) {
        let started = Instant::now();
        task.shutdown.request();
        if timeout(task.budget, ended).await.is_ok() {
            let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            info!(task = task.name, duration_ms = millis, "task stopped");
            return;
        }
        if let Some(abort) = task.abort {
            abort.abort();
        }
        self.shared.fail(TaskFailure::BudgetExceeded { task: task.name, budget: task.budget });
    }

    fn supervise(&self, task: Task, outcome: impl Future<Output = Outcome> + Send + 'static) {
        let (done, ended) = oneshot::channel();
        let name = task.name;
        lock(&self.shared.running).push(Running { task, ended });
        let shared = Arc::clone(&self.shared);
        self.shared.tokio.spawn(async move {
            shared.record(name, outcome.await);
            drop(done);
        });
    }
}

impl Shared {
    fn record(&self, task: &'static str, outcome: Outcome) {
        match outcome {
            Outcome::Returned if self.stopping.is_requested() => {}
            Outcome::Returned => self.fail(TaskFailure::EndedEarly { task }),
            Outcome::Failed(source) => self.fail(TaskFailure::Failed { task, source }),
            Outcome::Panicked(message) => self.fail(TaskFailure::Panicked { task, message }),
        }
    }

    fn fail(&self, failure: TaskFailure) {
        let error = failure.to_string();
        lock(&self.failures).push(failure);
        self.stopping.request();
        // Log last, because a blocked standard output must not delay the shutdown.
        error!(error, "task failed");
    }
}

impl From<anyhow::Result<()>> for Outcome {
    fn from(result: anyhow::Result<()>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Returned)
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
