//! Callers over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abacus_testkit::Client;
use serde_json::json;

use crate::evidence::{Call, Channel, HttpAnswer};
use crate::gate::Gate;
use crate::plan::Plan;
use crate::question::Question;

const CALLERS: usize = 8;
/// Pause of a caller after an error, in the manner of `Retry-After`.
const PAUSE: Duration = Duration::from_millis(200);

/// Callers in closed loops, paced by the gate.
pub(crate) struct HttpLoad {
    client: Client,
    plan: Plan,
    gate: Arc<Gate>,
    next: AtomicU64,
}

impl HttpLoad {
    pub(crate) fn start(
        client: &Client,
        plan: &Plan,
        gate: &Arc<Gate>,
    ) -> Vec<JoinHandle<Vec<Call>>> {
        let load = Arc::new(Self {
            client: client.clone(),
            plan: plan.clone(),
            gate: Arc::clone(gate),
            next: AtomicU64::new(0),
        });
        let caller = |_| {
            let load = Arc::clone(&load);
            thread::spawn(move || load.call())
        };
        (0..CALLERS).map(caller).collect()
    }

    fn call(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if !self.gate.pass(number) {
                return calls;
            }
            if self.plan.is_over_http(number) {
                calls.push(self.ask(number));
            }
        }
    }

    fn ask(&self, number: u64) -> Call {
        let question = Question::of(self.plan.seed, number);
        let body = json!({ "operation": question.operation, "operands": question.operands });
        let answer = match self.client.try_post_json("/v1/computations", &body) {
            Ok(response) => {
                self.rest_after(response.status);
                HttpAnswer::Response { status: response.status, body: response.body }
            }
            Err(error) => HttpAnswer::NoResponse(format!("{error:?}")),
        };
        Call { question, channel: Channel::Http(answer) }
    }

    fn rest_after(&self, status: u16) {
        if matches!(status, 422 | 503) {
            self.gate.note_refused();
        }
        if status == 503 {
            thread::park_timeout(PAUSE);
        }
    }
}
