//! The handle of a service to its process: tasks, readiness, metrics and shutdown.

use std::time::Duration;

use prometheus::Registry;

use crate::readiness::{Readiness, ReadinessGate};
use crate::shutdown::Shutdown;
use crate::tasks::{TaskFailure, Tasks};

/// Handle to the running process. All clones belong to one process.
#[derive(Clone, Debug)]
pub struct Runtime {
    tasks: Tasks,
    readiness: Readiness,
    metrics: Registry,
    stopping: Shutdown,
}

impl Runtime {
    /// Creates a runtime whose tasks run on the current tokio runtime. [`run`](crate::run) does
    /// this for a service. Tests and tools create a runtime themselves and end it with
    /// [`stop`](Self::stop).
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    #[expect(clippy::new_without_default, reason = "it needs a surrounding tokio runtime")]
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
    /// Tasks stop in **reverse** order of spawning, each within `budget`. Spawn dependencies first
    /// and the intake of work last. A task past its budget is dropped at its next await point, and
    /// the process exits with 1. A task that returns, fails or panics before a shutdown began shuts
    /// the whole process down, with exit code 1.
    pub fn spawn<F, Fut>(&self, name: &'static str, budget: Duration, task: F)
    where
        F: FnOnce(Shutdown) -> Fut,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.tasks.spawn(name, budget, task);
    }

    /// Starts a task on a new operating system thread, under the rules of [`spawn`](Self::spawn). A
    /// thread past its budget cannot be stopped; it ends with the process.
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

    /// Opens the readiness gate of a component. The service is ready only when all components are.
    /// Gates with equal names share their state.
    pub fn readiness(&self, component: &'static str) -> ReadinessGate {
        self.readiness.gate(component)
    }

    /// Registry of the metrics on `/metrics`.
    pub fn metrics(&self) -> &Registry {
        &self.metrics
    }

    /// Shutdown of the whole process. It is requested at the signal or at the first failure, before
    /// any task is asked to stop.
    pub fn shutting_down(&self) -> Shutdown {
        self.stopping.clone()
    }

    /// Stops every task, the latest first. Returns all failures since the start.
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
