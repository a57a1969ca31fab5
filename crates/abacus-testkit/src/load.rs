//! HTTP load that continues while a test breaks something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::client::{Client, Response};
use crate::wait::{PATIENCE, wait_until};

/// Callers in closed loops, until stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<Vec<Sample>>>,
}

/// A request with its response.
#[derive(Debug)]
pub struct Sample {
    /// Number of the request.
    pub number: usize,
    /// The response, or the error of a failed connection.
    pub response: Result<Response, reqwest::Error>,
}

impl Load {
    /// Starts `callers` callers. They request `path(0)`, `path(1)` and so on, each path once.
    pub fn start(
        client: &Client,
        callers: usize,
        path: impl Fn(usize) -> String + Clone + Send + 'static,
    ) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let next = Arc::<AtomicUsize>::default();
        let caller = |_| {
            let (client, path) = (client.clone(), path.clone());
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            let next = Arc::clone(&next);
            thread::spawn(move || {
                let mut samples = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let response = client.try_get(&path(number));
                    if response.as_ref().is_ok_and(|response| response.status == 200) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    let is_refused = response.is_err();
                    samples.push(Sample { number, response });
                    if is_refused {
                        thread::park_timeout(Duration::from_millis(20));
                    }
                }
                samples
            })
        };
        let callers = (0..callers).map(caller).collect();
        Self { stop, answered, callers }
    }

    /// Number of requests answered with 200 so far.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits for `more` further requests answered with 200.
    #[track_caller]
    pub fn wait_for(&self, more: usize) {
        let goal = self.answered() + more;
        wait_until(&format!("{more} more answers"), PATIENCE, || match self.answered() {
            answered if answered >= goal => Ok(()),
            answered => Err(format!("{} to go", goal - answered)),
        });
    }

    /// Ends the load. Returns all samples, ordered by number.
    pub fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples: Vec<Sample> =
            self.callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        samples.sort_by_key(|sample| sample.number);
        samples
    }
}
