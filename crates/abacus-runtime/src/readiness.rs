//! Readiness of the service for work. The service is ready only when every component is ready.
//!
//! A component starts as not ready. From the beginning of a shutdown the service is not ready,
//! regardless of the components.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tracing::{info, warn};

use crate::shutdown::Shutdown;

/// Name of the component in the report that stands for a shutdown.
const PROCESS: &str = "process";

/// State of all components.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    components: Arc<Components>,
    stopping: Shutdown,
}

type Components = Mutex<BTreeMap<&'static str, State>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ready,
    NotReady(String),
}

/// Answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) status: &'static str,
    pub(crate) components: BTreeMap<&'static str, String>,
}

impl Readiness {
    pub(crate) fn new(stopping: Shutdown) -> Self {
        Self { components: Arc::default(), stopping }
    }

    pub(crate) fn gate(&self, component: &'static str) -> ReadinessGate {
        let starting = || State::NotReady("starting".to_owned());
        lock(&self.components).entry(component).or_insert_with(starting);
        ReadinessGate { component, components: Arc::clone(&self.components) }
    }

    pub(crate) fn report(&self) -> Report {
        let components = lock(&self.components);
        let mut ready = components.values().all(|state| *state == State::Ready);
        let mut shown: BTreeMap<_, _> =
            components.iter().map(|(component, state)| (*component, state.shown())).collect();
        if self.stopping.is_requested() {
            ready = false;
            shown.insert(PROCESS, "shutting down".to_owned());
        }
        Report { status: if ready { "ready" } else { "not ready" }, components: shown }
    }
}

impl Report {
    pub(crate) fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

impl State {
    fn shown(&self) -> String {
        match self {
            Self::Ready => "ready".to_owned(),
            Self::NotReady(reason) => reason.clone(),
        }
    }
}

/// Readiness of one component. Changes are logged; setting an unchanged state takes a lock and logs
/// no line.
#[derive(Clone, Debug)]
pub struct ReadinessGate {
    component: &'static str,
    components: Arc<Components>,
}

impl ReadinessGate {
    /// Marks the component as ready.
    pub fn ready(&self) {
        if self.set(State::Ready) {
            info!(component = self.component, "component is ready");
        }
    }

    /// Marks the component as not ready. `reason` is a few words for the readers of `/readyz`.
    pub fn not_ready(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.set(State::NotReady(reason.clone())) {
            warn!(component = self.component, reason, "component is not ready");
        }
    }

    fn set(&self, state: State) -> bool {
        let previous = lock(&self.components).insert(self.component, state.clone());
        previous != Some(state)
    }
}

fn lock(components: &Components) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
    components.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_starts_red_and_all_must_be_green() {
        let readiness = Readiness::new(Shutdown::new());
        let producer = readiness.gate("producer");
        let replies = readiness.gate("replies");
        assert_eq!(readiness.report().components["producer"], "starting");

        producer.ready();
        assert!(!readiness.report().is_ready());
        replies.ready();
        assert!(readiness.report().is_ready());

        producer.not_ready("no broker answers");
        let report = readiness.report();
        assert_eq!(report.status, "not ready");
        assert_eq!(report.components["producer"], "no broker answers");
        assert_eq!(report.components["replies"], "ready");
    }

    #[test]
    fn opening_a_gate_again_keeps_its_state() {
        let readiness = Readiness::new(Shutdown::new());
        readiness.gate("producer").ready();
        let _second = readiness.gate("producer");
        assert!(readiness.report().is_ready());
    }

    #[test]
    fn a_shutdown_turns_a_ready_service_red() {
        let stopping = Shutdown::new();
        let readiness = Readiness::new(stopping.clone());
        readiness.gate("producer").ready();
        stopping.request();
        let report = readiness.report();
        assert!(!report.is_ready());
        assert_eq!(report.components["process"], "shutting down");
    }
}
