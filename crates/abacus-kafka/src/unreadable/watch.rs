//! The thread that observes the positions of a consumer, and finds batches to skip.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use abacus_runtime::LogLimit;
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};

use super::batch::UnreadableBatch;
use super::finding::{ErrorClass, Finding};
use super::monitor::ReadMonitor;
use super::positions::{Positions, StartFn, offsets_at};
use super::probe::Probe;
use super::progress::{Decision, Progress};
use super::search::end_of_batch;
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::record::TopicPartition;

/// Pause between two looks at the positions.
const TICK: Duration = Duration::from_secs(1);
/// Most batches of one partition skipped in one turn.
const MOST_IN_A_ROW: usize = 100;
/// Pause between two log lines about partitions that stand still.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Observes a consumer until it is dropped.
pub(crate) struct Watch {
    skipped: Arc<Skipped>,
    thread: Thread,
}

/// Batches to skip, from the observing thread to the polling thread.
#[derive(Default)]
struct Skipped {
    batches: Mutex<Vec<UnreadableBatch>>,
    has_any: AtomicBool,
    is_stopping: AtomicBool,
}

impl Watch {
    /// Starts to observe `consumer`, the client `name`. `start` gives the start offset of a newly
    /// assigned partition; `None` is the committed offset.
    pub(crate) fn spawn<C: ConsumerContext + 'static>(
        config: KafkaConfig,
        name: &str,
        consumer: &Arc<BaseConsumer<C>>,
        start: StartFn,
        monitor: ReadMonitor,
    ) -> Result<Self, Error> {
        let skipped = Arc::new(Skipped::default());
        let watcher = Watcher {
            name: format!("{name}-probe"),
            consumer: Arc::downgrade(consumer),
            positions: Positions::new(start),
            progress: Progress::new(config.skip_unreadable_after),
            config,
            probe: None,
            monitor,
            topics: BTreeMap::new(),
            skipped: Arc::clone(&skipped),
            log: LogLimit::new(LOG_INTERVAL),
        };
        let thread = thread::Builder::new()
            .name("kafka-watch".to_owned())
            .spawn(move || watcher.run())
            .map_err(|error| Error::Thread("kafka-watch".to_owned(), error))?;
        Ok(Self { skipped, thread: thread.thread().clone() })
    }

    /// Takes the batches to skip. Costs one atomic read if there are none.
    pub(crate) fn take(&self) -> Vec<UnreadableBatch> {
        if !self.skipped.has_any.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.skipped.has_any.store(false, Ordering::Release);
        std::mem::take(&mut *self.skipped.batches.lock())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.skipped.is_stopping.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

struct Watcher<C: ConsumerContext> {
    config: KafkaConfig,
    name: String,
    consumer: Weak<BaseConsumer<C>>,
    positions: Positions,
    progress: Progress,
    /// Connected while a partition is examined.
    probe: Option<Probe>,
    monitor: ReadMonitor,
    /// Number of partitions that stand still, of each topic seen.
    topics: BTreeMap<Arc<str>, i64>,
    skipped: Arc<Skipped>,
    log: LogLimit,
}

impl<C: ConsumerContext> Watcher<C> {
    fn run(mut self) {
        while !self.skipped.is_stopping.load(Ordering::Acquire) {
            thread::park_timeout(TICK);
            let Some(consumer) = self.consumer.upgrade() else { break };
            self.examine(&consumer);
        }
        self.progress.observe(&[], Instant::now());
        self.report();
    }

    fn examine(&mut self, consumer: &BaseConsumer<C>) {
        let Some(positions) = self.positions.read(consumer) else { return };
        self.progress.observe(&positions, Instant::now());
        for (partition, _) in &positions {
            self.topics.entry(Arc::clone(&partition.topic)).or_default();
        }
        let due = self.progress.due(Instant::now());
        let partitions: Vec<_> = due.iter().map(|(partition, _)| partition.clone()).collect();
        let ends = offsets_at(consumer, &partitions, rdkafka::Offset::End);
        let mut has_fault = false;
        for ((partition, position), end) in due.into_iter().zip(ends) {
            let (finding, end) = match end {
                Ok(end) if end <= position => (Finding::Readable, end),
                Ok(end) if self.progress.has_delivered(&partition) => (Finding::Delivered, end),
                Ok(end) => (self.look(&partition, position), end),
                Err(code) if ErrorClass::of(code) == ErrorClass::Refusal => {
                    (Finding::Refused(code.to_string()), position)
                }
                Err(_) => (Finding::Unknown, position),
            };
            has_fault |= !matches!(finding, Finding::Delivered | Finding::Readable);
            let decision = self.progress.note(&partition, &finding, Instant::now());
            if let (Decision::Skip, Finding::Unreadable { base, error }) = (decision, finding) {
                self.skip(&partition, (position, end), base, error);
            }
        }
        if !has_fault {
            self.probe = None;
        }
        self.report();
    }

    fn look(&mut self, partition: &TopicPartition, offset: i64) -> Finding {
        if self.probe.is_none() {
            let connected = Probe::connect(&self.config, &self.name).inspect_err(|error| {
                tracing::warn!(%error, "cannot examine a partition");
            });
            self.probe = connected.ok();
        }
        self.probe.as_ref().map_or(Finding::Unknown, |probe| probe.look(partition, offset))
    }

    /// Skips the unreadable batch at the position, and the batches directly after that an error names.
    fn skip(
        &mut self,
        partition: &TopicPartition,
        (mut position, end): (i64, i64),
        mut base: Option<i64>,
        mut error: String,
    ) {
        for _ in 0..MOST_IN_A_ROW {
            let found = end_of_batch(position, end, base, |offset| self.look(partition, offset));
            let Some(next) = found else { return };
            let offset = base.unwrap_or(position).max(position);
            self.hand_over(UnreadableBatch {
                partition: partition.clone(),
                position,
                offset,
                next,
                error,
            });
            match (next < end).then(|| self.look(partition, next)) {
                Some(Finding::Unreadable { base: Some(found), error: text }) => {
                    (position, base, error) = (next, Some(found), text);
                }
                _ => return,
            }
        }
    }

    /// Hands a batch to the polling thread.
    fn hand_over(&mut self, batch: UnreadableBatch) {
        self.monitor.skipped(&batch);
        self.progress.mark_skipped(&batch.partition, Instant::now());
        tracing::error!(
            kafka.topic = &*batch.partition.topic,
            kafka.partition = batch.partition.partition,
            kafka.offset = batch.offset,
            kafka.next_offset = batch.next,
            error = batch.error,
            "an unreadable batch is skipped"
        );
        self.skipped.batches.lock().push(batch);
        self.skipped.has_any.store(true, Ordering::Release);
    }

    /// Reports the partitions that stand still.
    fn report(&mut self) {
        self.topics.values_mut().for_each(|count| *count = 0);
        let mut texts = Vec::new();
        for (partition, position, error) in self.progress.blocked() {
            *self.topics.entry(Arc::clone(&partition.topic)).or_default() += 1;
            texts.push(format!("{partition} stands still at offset {position}: {error}"));
        }
        texts.sort_unstable();
        let text = texts.join("; ");
        self.monitor.blocked(&self.topics, &text);
        if !text.is_empty() && self.log.due(Instant::now()).is_some() {
            tracing::warn!("{text}");
        }
    }
}
