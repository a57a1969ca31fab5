//! The check of a drain: every request completed exactly once, with the right result.

use std::time::{Duration, Instant};

use abacus_schemas::{ComputeCompleted, Decoder, Outcome};
use anyhow::{Context, Result, bail, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

use super::digest::Digest;
use crate::kafka;
use crate::topic_set::TopicSet;

const POLL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
/// Silence that marks the end of the topic.
const SILENCE: Duration = Duration::from_secs(1);

/// Reads the completed topic from one drain to the next, like any consumer.
pub(super) struct Audit {
    consumer: BaseConsumer,
    decoder: Decoder<ComputeCompleted>,
    expected: Digest,
    mean_bytes: u64,
}

impl Audit {
    pub(super) fn open(
        set: &TopicSet,
        decoder: Decoder<ComputeCompleted>,
        expected: Digest,
    ) -> Result<Self> {
        let consumer: BaseConsumer = kafka::client(set.bootstrap())
            .set("group.id", "abacus-bench-audit")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create()?;
        let mut position = TopicPartitionList::new();
        for partition in set.partitions() {
            position.add_partition_offset(&set.topics.completed, partition, Offset::Beginning)?;
        }
        consumer.assign(&position)?;
        // Reading ahead during a drain would slow the drain.
        consumer.pause(&position)?;
        Ok(Self { consumer, decoder, expected, mean_bytes: 0 })
    }

    /// Reads the completions since the last check. Fails unless they are every expected result
    /// exactly once.
    pub(super) fn check(&mut self) -> Result<()> {
        let everything = self.consumer.assignment()?;
        self.consumer.resume(&everything)?;
        let found = self.read()?;
        self.consumer.pause(&everything)?;
        let (found, expected) = (found, self.expected);
        ensure!(
            found == expected,
            "{} completions for {} requests, or wrong results",
            found.results,
            expected.results
        );
        Ok(())
    }

    /// Mean length of a completion's value, in bytes.
    pub(super) fn mean_bytes(&self) -> u64 {
        self.mean_bytes
    }

    fn read(&mut self) -> Result<Digest> {
        let (mut digest, mut bytes) = (Digest::default(), 0);
        let (began, mut last) = (Instant::now(), Instant::now());
        while last.elapsed() < SILENCE {
            let Some(record) = self.consumer.poll(POLL) else {
                let is_short = digest.results < self.expected.results;
                if is_short && began.elapsed() < PATIENCE {
                    last = Instant::now();
                }
                continue;
            };
            let record = record.context("cannot read the completions")?;
            let payload = record.payload().unwrap_or_default();
            bytes += payload.len() as u64;
            self.add(&mut digest, payload)?;
            last = Instant::now();
        }
        self.mean_bytes = bytes / digest.results.max(1);
        Ok(digest)
    }

    fn add(&self, digest: &mut Digest, payload: &[u8]) -> Result<()> {
        let completed = self.decoder.decode(payload)?;
        match completed.outcome {
            Outcome::Succeeded { result, .. } => digest.add(&completed.request_id, &result),
            Outcome::Failed { code, message } => bail!("a request failed: {code}: {message}"),
        }
        Ok(())
    }
}
