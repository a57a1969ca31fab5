//! The handle a service gets: tasks, readiness, metrics and the shutdown of the process.

use std::time::Duration;

use prometheus::Registry;

use crate::readiness::{Readiness, ReadinessGate};
use crate::shutdown::Shutdown;
use crate::tasks::{TaskFailure, Tasks};

/// What a running service holds on to. Clones are handles to the same process.
#[derive(Clone, Debug)]
pub struct Runtime {
    tasks: Tasks,
    readiness: Readiness,
    metrics: Registry,
    stopping: Shutdown,
}

impl Runtime {
    /// A runtime whose tasks run on the current tokio runtime. [`run`](crate::run) makes the one of
    /// a process; tests and tools make their own and end it with [`stop`](Self::stop).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[expect(clippy::new_without_default, reason = "it needs a tokio runtime around it")]
    pub fn new() -> Self {
        let stopping = Shutdown::new();
        Self {
            tasks: Tasks::new(stopping.clone()),
            readiness: Readiness::new(stopping.clone()),
            metrics: Registry::new(),
            stopping,
        }
    }

    /// Starts a task.
    ///
    /// Tasks stop in **reverse** order of spawning, each within its `budget`: spawn what others
    /// rely on first and what lets work in last. Past its budget a task is dropped at its next
    /// await point and the process exits with 1. A task that returns, fails or panics before a
    /// shutdown began shuts the whole process down, with exit code 1.
    pub fn spawn<F, Fut>(&self, name: &'static str, budget: Duration, task: F)
    where
        F: FnOnce(Shutdown) -> Fut,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.tasks.spawn(name, budget, task);
    }

    /// Starts a task on an operating system thread of its own, under the rules of
    /// [`spawn`](Self::spawn). A thread that overruns its budget cannot be stopped; it ends with
    /// the process.
    pub fn spawn_thread<F>(
        &self,
        name: &'static str,
        budget: Duration,
        body: F,
    ) -> anyhow::Result<()>
    where
        F: FnOnce(Shutdown) -> anyhow::Result<()> + Send + 'static,
    {
        self.tasks.spawn_thread(name, budget, body)
    }

    /// Opens the gate of a component: the service is not ready until it is. A second gate of the
    /// same name is the same gate.
    pub fn readiness(&self, component: &'static str) -> ReadinessGate {
        self.readiness.gate(component)
    }

    /// Where metrics are registered to appear on `/metrics`.
    pub fn metrics(&self) -> &Registry {
        &self.metrics
    }

    /// The shutdown of the process as a whole: requested at the signal or the first failure, before
    /// any task is asked to stop.
    pub fn shutting_down(&self) -> Shutdown {
        self.stopping.clone()
    }

    /// Stops every task, the latest first, and returns what went wrong since the start.
    pub async fn stop(&self) -> Vec<TaskFailure> {
        self.tasks.stop().await
    }

    pub(crate) fn readiness_report(&self) -> crate::readiness::Report {
        self.readiness.report()
    }

    pub(crate) fn total_budget(&self) -> Duration {
        self.tasks.total_budget()
    }
}
