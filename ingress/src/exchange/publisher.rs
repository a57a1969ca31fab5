//! Requests as records on the request topic.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::{Header, Outgoing, Producer, StickyPartitioner};
use abacus_runtime::{Config, Environment};
use abacus_schemas::{ComputeRequested, Encoder, headers};
use uuid::Uuid;

use crate::error::Error;
use crate::metrics::Metrics;

const SHORTEST_DELIVERY: Duration = Duration::from_millis(10);

/// How requests are written.
#[derive(Clone, Debug)]
pub(crate) struct PublisherConfig {
    /// How long consecutive requests share a partition.
    pub(crate) stickiness: Duration,
    /// How long a request may take to be written.
    pub(crate) delivery_timeout: Duration,
}

impl Config for PublisherConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            stickiness: env.get(
                "ABACUS_REQUEST_STICKINESS",
                "5ms",
                "How long consecutive requests go to one partition before the next has its turn",
            ),
            delivery_timeout: env.get(
                "ABACUS_DELIVERY_TIMEOUT",
                "5s",
                "How long a request may take to be written to Kafka; never longer than ABACUS_WAIT",
            ),
        };
        // librdkafka takes zero for no limit.
        if config.delivery_timeout < SHORTEST_DELIVERY {
            env.problem(
                "ABACUS_DELIVERY_TIMEOUT",
                format!("expected at least {SHORTEST_DELIVERY:?}"),
            );
        }
        config
    }
}

/// Where replies to this instance go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplyAddress {
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

/// What travels with a request besides the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: Uuid,
    pub(crate) traceparent: Option<&'a [u8]>,
}

/// Writes requests to Kafka.
pub(crate) struct Publisher {
    pub(crate) producer: Arc<Producer>,
    pub(crate) encoder: Encoder<ComputeRequested>,
    pub(crate) partitioner: StickyPartitioner,
    pub(crate) topic: String,
    pub(crate) reply_to: ReplyAddress,
    pub(crate) metrics: Metrics,
}

impl Publisher {
    /// Fails while the brokers are known to be away.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_reachable = self.producer.availability().is_reachable();
        if is_reachable { Ok(()) } else { Err(Error::KafkaUnreachable) }
    }

    /// Hands a request over for writing; what becomes of it is reported to its waiter. It carries no
    /// deadline: a caller whose wait ends is told where to find the result, so it stays wanted.
    pub(crate) fn publish(
        &self,
        request: &ComputeRequested,
        envelope: Envelope<'_>,
    ) -> Result<(), Error> {
        let payload = self.encoder.encode(request)?;
        let reply_partition = self.reply_to.partition.to_be_bytes();
        let mut headers = Vec::with_capacity(4);
        let mut header = |name, value| headers.push(Header { name, value });
        header(headers::CORRELATION_ID, envelope.id.as_bytes().as_slice());
        header(headers::REPLY_TOPIC, self.reply_to.topic.as_bytes());
        header(headers::REPLY_PARTITION, &reply_partition);
        if let Some(traceparent) = envelope.traceparent {
            header(headers::TRACEPARENT, traceparent);
        }
        let record = Outgoing {
            topic: &self.topic,
            partition: Some(self.partitioner.partition()),
            key: request.request_id.as_bytes(),
            payload: &payload,
            headers: &headers,
        };
        let sent = self.producer.send(&record, envelope.id.as_u128());
        Ok(sent.inspect_err(|_| self.metrics.count_delivery("refused"))?)
    }
}
