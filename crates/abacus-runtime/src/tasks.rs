//! The tasks of a process: who runs, who ended and how, and the order in which they stop.
//!
//! Tasks stop in reverse order of spawning, one after the other, each within its budget. A task
//! that ends before a shutdown began, and one that fails at any time, is a failure, and a failure
//! begins the shutdown. During a shutdown a task may end before its turn: the one that fed it has
//! stopped.

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

/// Why a process did not run or stop as it should.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    /// It returned although nobody had asked for a shutdown.
    #[error("task {task} ended although no shutdown was requested")]
    EndedEarly {
        /// The name given at spawning.
        task: &'static str,
    },
    /// It returned an error.
    #[error("task {task} failed: {source:#}")]
    Failed {
        /// The name given at spawning.
        task: &'static str,
        /// What it returned.
        source: anyhow::Error,
    },
    /// It panicked.
    #[error("task {task} panicked: {message}")]
    Panicked {
        /// The name given at spawning.
        task: &'static str,
        /// The panic's message.
        message: String,
    },
    /// It did not end in time when asked to, and was abandoned.
    #[error("task {task} did not stop within {budget:?}")]
    BudgetExceeded {
        /// The name given at spawning.
        task: &'static str,
        /// The time it had.
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
    /// A thread has none: it cannot be stopped from outside.
    abort: Option<AbortHandle>,
}

#[derive(Debug)]
struct Running {
    task: Task,
    /// Closes once the task has ended and its outcome is recorded.
    ended: oneshot::Receiver<()>,
}

/// How a task's body ended.
enum Outcome {
    Returned,
    Failed(anyhow::Error),
    Panicked(String),
}

impl Tasks {
    /// A registry whose tasks run on the current tokio runtime. A failure requests `stopping`.
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
            // Nobody listens once the runtime has gone, and then nobody needs to know.
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

    /// The longest that stopping every task may take.
    pub(crate) fn total_budget(&self) -> Duration {
        lock(&self.shared.running).iter().map(|running| running.task.budget).sum()
    }

    /// Stops every task, the latest first, and returns all failures since the start.
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
        // Last, since a stuck standard output must not hold up the shutdown.
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
