//! The floor of the backlog: consume, transform and produce exactly once, with nothing else around.
//!
//! One thread polls, decodes, computes, encodes and produces. Every 100 ms it commits the produced
//! records together with their offsets. Records are processed one after the other, so no order must
//! be restored. Nothing is validated, cached, counted or answered. A failure ends the loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp, Topics};
use anyhow::{Context, Result};
use num_bigint::BigUint;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::signal::unix::{SignalKind, signal};

use crate::codecs::Codecs;
use crate::kafka::{self, Deliveries};

/// Longest time a result waits for its transaction, as in the processor.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// Polling interval for the deliveries of a transaction.
const DELIVERY_POLL: Duration = Duration::from_micros(500);

/// Next offset of each partition with records in the open transaction.
type NextOffsets = BTreeMap<i32, i64>;

/// Clients and codecs of the loop.
struct Bare {
    consumer: BaseConsumer,
    producer: BaseProducer<Deliveries>,
    topics: Topics,
    codecs: Codecs,
}

/// Drains the requests as the only member of `group`, until SIGTERM.
pub(crate) async fn run(bootstrap: &str, prefix: &str, group: &str) -> Result<()> {
    let mut termination = signal(SignalKind::terminate())?;
    let topics = Topics::with_prefix(prefix);
    let codecs = Codecs::look_up(&topics).await?;
    let bare = Bare::connect(bootstrap, group, topics, codecs)?;
    let is_stopping = Arc::<AtomicBool>::default();
    let flag = Arc::clone(&is_stopping);
    let looping = tokio::task::spawn_blocking(move || bare.run(&flag));
    tokio::pin!(looping);
    tokio::select! {
        ended = &mut looping => return ended?,
        _ = termination.recv() => is_stopping.store(true, Ordering::Relaxed),
    }
    looping.await?
}

impl Bare {
    fn connect(bootstrap: &str, group: &str, topics: Topics, codecs: Codecs) -> Result<Self> {
        let consumer: BaseConsumer = kafka::client(bootstrap)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .create()?;
        let producer: BaseProducer<Deliveries> = kafka::producer(bootstrap)
            .set("transactional.id", group)
            .set("linger.ms", "5")
            .create_with_context(Deliveries::default())?;
        producer.init_transactions(TIMEOUT)?;
        consumer.subscribe(&[&topics.requested])?;
        Ok(Self { consumer, producer, topics, codecs })
    }

    fn run(&self, is_stopping: &AtomicBool) -> Result<()> {
        while !is_stopping.load(Ordering::Relaxed) {
            if let Some(first) = self.consumer.poll(POLL) {
                self.transact(&first.context("cannot read")?)?;
            }
        }
        Ok(())
    }

    /// Processes the records of an interval, beginning with `first`, in one transaction.
    fn transact(&self, first: &BorrowedMessage<'_>) -> Result<()> {
        let deadline = Instant::now() + COMMIT_INTERVAL;
        let mut next_offsets = NextOffsets::new();
        self.producer.begin_transaction()?;
        self.transform(first, &mut next_offsets)?;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            if let Some(record) = self.consumer.poll(left) {
                self.transform(&record.context("cannot read")?, &mut next_offsets)?;
            }
        }
        self.commit(&next_offsets)
    }

    fn transform(&self, record: &BorrowedMessage<'_>, next: &mut NextOffsets) -> Result<()> {
        let request = self.codecs.request_decoder.decode(record.payload().unwrap_or_default())?;
        let completion = complete(request)?;
        let payload = self.codecs.completion_encoder.encode(&completion)?;
        let outgoing = BaseRecord::to(&self.topics.completed)
            .partition(record.partition())
            .key(&completion.request_id)
            .payload(&payload);
        self.producer.send(outgoing).map_err(|(error, _)| error).context("cannot write")?;
        next.insert(record.partition(), record.offset() + 1);
        Ok(())
    }

    fn commit(&self, next_offsets: &NextOffsets) -> Result<()> {
        // `commit_transaction` would wait in slices of 100 ms.
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::ZERO);
            thread::park_timeout(DELIVERY_POLL);
        }
        self.producer.context().check()?;
        let mut offsets = TopicPartitionList::with_capacity(next_offsets.len());
        for (&partition, &next) in next_offsets {
            let requested = &self.topics.requested;
            offsets.add_partition_offset(requested, partition, Offset::Offset(next))?;
        }
        let group = self.consumer.group_metadata().context("not a member of the group")?;
        self.producer.send_offsets_to_transaction(&offsets, &group, TIMEOUT)?;
        Ok(self.producer.commit_transaction(TIMEOUT)?)
    }
}

/// Computes the requested power.
fn complete(request: ComputeRequested) -> Result<ComputeCompleted> {
    let began = Instant::now();
    let operand = |name| request.operands.get(name).with_context(|| format!("no {name}"));
    let (base, exponent): (BigUint, u32) =
        (operand("base")?.parse()?, operand("exponent")?.parse()?);
    let power = base.pow(exponent);
    let result = power.to_string();
    let outcome = Outcome::Succeeded {
        digits: i64::try_from(result.len())?,
        bits: i64::try_from(power.bits())?,
        result,
    };
    Ok(ComputeCompleted {
        request_id: request.request_id,
        operation: request.operation,
        operands: request.operands,
        requester: request.requester,
        source: request.source,
        requested_at: request.requested_at,
        outcome,
        completed_at: Timestamp::now(),
        compute_micros: i64::try_from(began.elapsed().as_micros())?,
        cache: CacheLevel::None,
        processor: "bare".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_loop_computes_powers() {
        let operands = [("base", "12"), ("exponent", "2")];
        let request = ComputeRequested {
            request_id: "id".to_owned(),
            operation: "pow".to_owned(),
            operands: operands.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            requester: None,
            source: "bench".to_owned(),
            requested_at: Timestamp::from_micros(1),
        };
        let result = Outcome::Succeeded { result: "144".to_owned(), digits: 3, bits: 8 };
        assert_eq!(complete(request).unwrap().outcome, result);
    }
}
