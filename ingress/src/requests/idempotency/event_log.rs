//! Searches the event log for requests that a crashed instance may have written.
//!
//! A search reads one partition from the first record that may be missing in the request log. Searches
//! that arrive during a scan share the next scan. Records of open transactions are read, too: a
//! record behind the open transaction of another producer must not look missing.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use abacus_kafka::{KafkaConfig, TopicScan};
use abacus_runtime::Shutdown;
use anyhow::{Context as _, bail, ensure};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::log::IdempotencyEntry;

/// Time limit of a search. Then the caller must try again: an unfinished search decides nothing.
pub(super) const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);
/// Limit of searches in one scan, and of waiting searches.
const BATCH: usize = 1_000;

/// Passes searches to [`search_event_log`].
pub(crate) struct EventLog {
    searches: mpsc::Sender<Search>,
}

/// Receiver of searches.
pub(crate) struct Searches(mpsc::Receiver<Search>);

struct Search {
    id: Uuid,
    partition: i32,
    from: i64,
    answer: oneshot::Sender<bool>,
}

impl EventLog {
    /// Creates the event log, and the receiver of searches for [`search_event_log`].
    pub(crate) fn new() -> (Self, Searches) {
        let (sender, receiver) = mpsc::channel(BATCH);
        (Self { searches: sender }, Searches(receiver))
    }

    /// Returns `true` if the request of `entry` is in the event log and not yet in the request log.
    pub(crate) async fn contains(&self, entry: &IdempotencyEntry) -> anyhow::Result<bool> {
        let (answer, answered) = oneshot::channel();
        let IdempotencyEntry { id, partition, projected, .. } = *entry;
        let search = async {
            self.searches.send(Search { id, partition, from: projected, answer }).await?;
            anyhow::Ok(answered.await.context("the event log cannot be searched")?)
        };
        match timeout(SEARCH_TIMEOUT, search).await {
            Ok(found) => found,
            Err(_) => bail!("the search of the event log took longer than {SEARCH_TIMEOUT:?}"),
        }
    }
}

/// Reads the topic of requests.
#[derive(Clone, Debug)]
pub(crate) struct RequestScanner {
    pub(crate) kafka: KafkaConfig,
    /// Name of the Kafka client.
    pub(crate) client: String,
    /// The topic of requests.
    pub(crate) topic: String,
}

/// Answers searches until the shutdown. A scan in progress at the shutdown ends with the process.
pub(crate) async fn search_event_log(
    scanner: RequestScanner,
    mut searches: Searches,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    loop {
        let mut batch = Vec::new();
        let answer = async {
            if searches.0.recv_many(&mut batch, BATCH).await == 0 {
                return std::future::pending().await;
            }
            let scanner = scanner.clone();
            spawn_blocking(move || scanner.answer(batch)).await?;
            anyhow::Ok(())
        };
        tokio::select! {
            biased;
            () = shutdown.requested() => return Ok(()),
            answered = answer => answered?,
        }
    }
}

/// The searches of a scan.
#[derive(Default)]
struct Wanted {
    /// First offset of each partition.
    starts: BTreeMap<i32, i64>,
    /// Searches by key of the record.
    answers: HashMap<Vec<u8>, Vec<oneshot::Sender<bool>>>,
}

impl Wanted {
    /// Collects the searches whose callers still wait.
    fn new(searches: Vec<Search>) -> Self {
        let mut wanted = Self::default();
        for Search { id, partition, from, answer } in searches {
            if answer.is_closed() {
                continue;
            }
            let start = wanted.starts.entry(partition).or_insert(from);
            *start = from.min(*start);
            wanted.answers.entry(id.to_string().into_bytes()).or_default().push(answer);
        }
        wanted
    }

    fn note(&mut self, key: &[u8]) -> ControlFlow<()> {
        if let Some(answers) = self.answers.remove(key) {
            send(answers, true);
        }
        if self.answers.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl RequestScanner {
    /// Answers searches by one scan. A failed scan leaves the remaining searches without an answer.
    fn answer(&self, searches: Vec<Search>) {
        let mut wanted = Wanted::new(searches);
        if wanted.answers.is_empty() {
            return;
        }
        match self.scan(&mut wanted) {
            Ok(()) => wanted.answers.into_values().for_each(|answers| send(answers, false)),
            Err(error) => {
                let (count, error) = (wanted.answers.len(), format!("{error:#}"));
                tracing::warn!(count, error, "the event log cannot be searched for requests");
            }
        }
    }

    fn scan(&self, wanted: &mut Wanted) -> anyhow::Result<()> {
        let deadline = Instant::now() + SEARCH_TIMEOUT;
        let starts = std::mem::take(&mut wanted.starts);
        let scan = TopicScan::open_uncommitted(&self.kafka, &self.client, &self.topic, starts)?;
        scan.run(|record| {
            ensure!(Instant::now() < deadline, "the request log is too far behind");
            Ok(wanted.note(record.key()))
        })
    }
}

fn send(answers: Vec<oneshot::Sender<bool>>, is_found: bool) {
    for answer in answers {
        // The caller may have given up.
        let _ = answer.send(is_found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(id: u128, partition: i32, from: i64) -> (Search, oneshot::Receiver<bool>) {
        let (answer, answered) = oneshot::channel();
        (Search { id: Uuid::from_u128(id), partition, from, answer }, answered)
    }

    #[test]
    fn one_scan_serves_all_searches_that_somebody_waits_for() {
        let (first, mut first_answer) = search(1, 0, 9);
        let (again, mut again_answer) = search(1, 0, 7);
        let (other, mut other_answer) = search(2, 3, 5);
        let (left, _) = search(3, 4, 0);
        let mut wanted = Wanted::new(vec![first, again, other, left]);
        assert_eq!(wanted.starts, BTreeMap::from([(0, 7), (3, 5)]));
        assert!(wanted.note(b"a key of a direct producer").is_continue());
        assert!(wanted.note(Uuid::from_u128(1).to_string().as_bytes()).is_continue());
        assert_eq!((first_answer.try_recv(), again_answer.try_recv()), (Ok(true), Ok(true)));
        assert!(other_answer.try_recv().is_err());
        assert!(wanted.note(Uuid::from_u128(2).to_string().as_bytes()).is_break());
    }
}
