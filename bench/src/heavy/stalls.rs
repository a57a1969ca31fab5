//! Heavy requests, one in each partition. Their operation exists for tests and takes a given time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use abacus_schemas::Outcome;
use anyhow::{Context, Result, ensure};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedHeaders;
use rdkafka::{Offset, TopicPartitionList};

use crate::codecs::Codecs;
use crate::floor::clients::{POLL_INTERVAL, Producer, Record};
use crate::kafka;
use crate::request::request;
use crate::topic_set::TopicSet;

/// Time allowed beyond the sum of all computations.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends heavy requests and reads their completions.
pub(super) struct Stalls<'a> {
    set: &'a TopicSet,
    codecs: &'a Codecs,
    /// Duration of the next computation. Each takes a millisecond longer than the previous one, as
    /// equal computations would be computed once and cached.
    millis: u64,
    producer: Producer,
    completions: BaseConsumer,
    /// Request id and right result of each uncompleted request.
    open: HashMap<String, String>,
    asked: Instant,
}

impl<'a> Stalls<'a> {
    /// Prepares computations of about `millis` milliseconds each.
    pub(super) fn connect(set: &'a TopicSet, codecs: &'a Codecs, millis: u64) -> Result<Self> {
        Ok(Self {
            set,
            codecs,
            millis,
            producer: Producer::connect(set.bootstrap())?,
            completions: completions(set)?,
            open: HashMap::new(),
            asked: Instant::now(),
        })
    }

    /// Sends one request to every partition.
    pub(super) fn ask(&mut self) -> Result<()> {
        self.asked = Instant::now();
        for partition in self.set.partitions() {
            let request = request("stall", &[("n", self.millis)]);
            self.producer.send(Record {
                topic: &self.set.topics.requested,
                partition,
                key: request.request_id.as_bytes(),
                payload: &self.codecs.request_encoder.encode(&request)?,
                headers: OwnedHeaders::new(),
            })?;
            self.open.insert(request.request_id, self.millis.to_string());
            self.millis += 1;
        }
        Ok(())
    }

    /// Waits until every request is completed with the right result. Returns the time since
    /// sending.
    pub(super) fn await_all(&mut self) -> Result<Duration> {
        let one_after_the_other = Duration::from_millis(self.millis) * self.set.partitions;
        let deadline = self.asked + one_after_the_other + PATIENCE;
        while !self.open.is_empty() {
            let open = self.open.len();
            ensure!(Instant::now() < deadline, "{open} heavy requests were not completed");
            if let Some(completion) = self.completions.poll(POLL_INTERVAL) {
                let completion = completion.context("cannot read the completions")?.detach();
                self.note(completion.payload().unwrap_or_default())?;
            }
        }
        self.producer.check()?;
        Ok(self.asked.elapsed())
    }

    fn note(&mut self, payload: &[u8]) -> Result<()> {
        let completed = self.codecs.completion_decoder.decode(payload)?;
        if let Some(expected) = self.open.remove(&completed.request_id) {
            let is_right = matches!(&completed.outcome, Outcome::Succeeded { result, .. } if *result == expected);
            ensure!(is_right, "a heavy request has the outcome {:?}", completed.outcome);
        }
        Ok(())
    }
}

fn completions(set: &TopicSet) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = kafka::client(set.bootstrap())
        .set("group.id", "abacus-bench-stalls")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .create()?;
    let mut position = TopicPartitionList::new();
    for partition in set.partitions() {
        position.add_partition_offset(&set.topics.completed, partition, Offset::Beginning)?;
    }
    consumer.assign(&position)?;
    Ok(consumer)
}
