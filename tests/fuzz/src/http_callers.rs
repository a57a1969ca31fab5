//! Honest callers over HTTP, one request after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use abacus_check::Question;
use abacus_testkit::{Client, PATIENCE, Response};
use serde_json::json;

use crate::evidence::{Answer, Channel, HonestCall};

/// Pause between two calls, and between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Callers that ask until they are stopped.
pub(crate) struct HttpCallers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<HonestCall>>,
}

impl HttpCallers {
    pub(crate) fn start(client: Client, seed: u64) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut calls = Vec::new();
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                calls.push(call(&client, Question::of(!seed, number)));
                thread::park_timeout(PAUSE);
            }
            calls
        });
        Self { stop, thread }
    }

    /// Waits for the last answer. Returns all calls.
    pub(crate) fn stop(self) -> Vec<HonestCall> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a caller that ends")
    }
}

fn call(client: &Client, question: Question) -> HonestCall {
    let answer = ask(client, &question).unwrap_or_else(Answer::None);
    HonestCall { question, channel: Channel::Http, answer }
}

/// Asks until the ingress takes the request, and waits for the result.
fn ask(client: &Client, question: &Question) -> Result<Answer, String> {
    let body = json!({ "operation": question.operation, "operands": question.operands });
    let response = until(
        |response| response.status != 503,
        || client.try_post_json("/v1/computations", &body).map_err(|error| format!("{error:?}")),
    )?;
    if response.status != 202 {
        return told(&response);
    }
    let location = response.header("location").to_owned();
    let found = until(
        |response| response.status == 200,
        || client.try_get(&location).map_err(|error| format!("{error:?}")),
    )?;
    told(&found)
}

/// Repeats a call until the response is good, or the patience ends.
fn until(
    is_good: impl Fn(&Response) -> bool,
    call: impl Fn() -> Result<Response, String>,
) -> Result<Response, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call() {
            Ok(response) if is_good(&response) => return Ok(response),
            last if Instant::now() > deadline => return Err(format!("at last {last:?}")),
            _ => thread::park_timeout(PAUSE),
        }
    }
}

fn told(response: &Response) -> Result<Answer, String> {
    let unclear = || format!("{} {}", response.status, response.body);
    let body: serde_json::Value = serde_json::from_str(&response.body).map_err(|_| unclear())?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let id = text("request_id").and_then(|id| id.parse().ok());
    match response.status {
        200 => Ok(Answer::Told(id, Ok(text("result").ok_or_else(unclear)?))),
        // The ingress refuses the request before it is published.
        422 => Ok(Answer::Told(None, Err(text("code").ok_or_else(unclear)?))),
        _ => Err(unclear()),
    }
}
