//! The backlog: small computations, each requested once, without a reply address.

use std::time::Duration;

use abacus_schemas::{ComputeRequested, Encoder};
use anyhow::{Context, Result, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::digest::Digest;
use crate::kafka::{self, Deliveries};
use crate::request::cube;
use crate::topic_set::TopicSet;

/// Number of consecutive records in one partition: as many as an ingress writes in a few
/// milliseconds.
const RUN_LENGTH: u64 = 64;

const QUEUE_POLL: Duration = Duration::from_millis(1);
const FLUSH: Duration = Duration::from_mins(1);

/// The written backlog.
pub(super) struct Backlog {
    /// Digest of all request ids with their right results.
    pub(super) expected: Digest,
    /// Mean length of a request's value, in bytes.
    pub(super) mean_bytes: u64,
}

/// Writes `requests` requests to the partitions of `set` in turn.
pub(super) fn produce(
    set: &TopicSet,
    encoder: &Encoder<ComputeRequested>,
    requests: u64,
) -> Result<Backlog> {
    let producer = connect(set.bootstrap())?;
    let mut backlog = Backlog { expected: Digest::default(), mean_bytes: 0 };
    let mut bytes = 0;
    for number in 0..requests {
        let (request, result) = cube(number);
        let payload = encoder.encode(&request)?;
        bytes += payload.len() as u64;
        backlog.expected.add(&request.request_id, &result.to_string());
        let partition = i32::try_from(number / RUN_LENGTH % u64::from(set.partitions))?;
        let record = BaseRecord::to(&set.topics.requested).partition(partition);
        send(&producer, record.key(request.request_id.as_str()).payload(&payload))?;
    }
    producer.flush(FLUSH).context("cannot write the backlog")?;
    producer.context().check()?;
    backlog.mean_bytes = bytes / requests.max(1);
    Ok(backlog)
}

fn connect(bootstrap: &str) -> Result<BaseProducer<Deliveries>> {
    let mut config = kafka::producer(bootstrap);
    config.set("linger.ms", "5");
    Ok(config.create_with_context(Deliveries::default())?)
}

fn send(
    producer: &BaseProducer<Deliveries>,
    mut record: BaseRecord<'_, str, Vec<u8>>,
) -> Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                record = unsent;
                producer.poll(QUEUE_POLL);
            }
            Err((error, _)) => bail!("cannot write the backlog: {error}"),
        }
    }
}
