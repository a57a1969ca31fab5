//! Publishes requests as records of the request topic.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::{Header, Outgoing, Producer, StickyPartitioner};
use abacus_runtime::{Config, Environment};
use abacus_schemas::headers::{self, TraceContext};
use abacus_schemas::{Encoder, Event, SIGNATURE_BYTES};
use uuid::Uuid;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::transport::Transport;

/// Shortest useful time limit of a delivery.
const SHORTEST_DELIVERY: Duration = Duration::from_millis(10);

/// Settings of publishing.
#[derive(Clone, Debug)]
pub struct PublisherConfig {
    /// Time before consecutive requests move to another partition.
    pub stickiness: Duration,
    /// Time limit of writing a request.
    pub delivery_timeout: Duration,
}

impl Config for PublisherConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            stickiness: env.get(
                "ABACUS_REQUEST_STICKINESS",
                "5ms",
                "Time for which consecutive requests go to one partition",
            ),
            delivery_timeout: env.get(
                "ABACUS_DELIVERY_TIMEOUT",
                "5s",
                "Time limit of writing a request to Kafka; at most ABACUS_WAIT",
            ),
        };
        // librdkafka reads zero as no limit.
        if config.delivery_timeout < SHORTEST_DELIVERY {
            env.problem(
                "ABACUS_DELIVERY_TIMEOUT",
                format!("expected at least {SHORTEST_DELIVERY:?}"),
            );
        }
        config
    }
}

/// Topic and partition of the replies to this instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAddress {
    /// The reply topic.
    pub topic: String,
    /// The partition of this instance.
    pub partition: i32,
}

/// Returns the signature of a request.
pub type Signer<Q> = Box<dyn Fn(&Q) -> [u8; SIGNATURE_BYTES] + Send + Sync>;

/// Publishes requests to Kafka. The key of a record is the request id.
pub struct Publisher<Q: Event> {
    /// The producer. The service passes the delivery reports to the waiters.
    pub producer: Arc<Producer>,
    /// Writes requests.
    pub encoder: Encoder<Q>,
    /// Chooses the partition of a request without a partition of its own.
    pub partitioner: StickyPartitioner,
    /// The request topic.
    pub topic: String,
    /// Address of the replies.
    pub reply_to: ReplyAddress,
    /// Signs requests; `None` for unsigned requests.
    pub signer: Option<Signer<Q>>,
    /// Metrics of deliveries.
    pub metrics: Metrics,
}

impl<Q: Event> Transport<Q> for Publisher<Q> {
    fn is_reachable(&self) -> bool {
        self.producer.availability().is_reachable()
    }

    /// The record carries no deadline: at the end of the wait the caller learns where to find the
    /// result, and still wants the result.
    fn publish(
        &self,
        id: Uuid,
        request: &Q,
        trace: Option<TraceContext<'_>>,
        partition: Option<i32>,
    ) -> Result<(), Error> {
        let payload = self.encoder.encode(request)?;
        let reply_partition = self.reply_to.partition.to_be_bytes();
        let signature = self.signer.as_ref().map(|sign| sign(request));
        let mut headers = Vec::with_capacity(6);
        let mut header = |name, value| headers.push(Header { name, value });
        header(headers::CORRELATION_ID, id.as_bytes().as_slice());
        header(headers::REPLY_TOPIC, self.reply_to.topic.as_bytes());
        header(headers::REPLY_PARTITION, &reply_partition);
        if let Some(signature) = &signature {
            header(headers::SIGNATURE, signature.as_slice());
        }
        for (name, value) in trace.into_iter().flat_map(TraceContext::to_headers) {
            header(name, value);
        }
        let mut buffer = Uuid::encode_buffer();
        let record = Outgoing {
            topic: &self.topic,
            partition: partition.or_else(|| Some(self.partitioner.partition())),
            key: id.hyphenated().encode_lower(&mut buffer).as_bytes(),
            payload: &payload,
            headers: &headers,
        };
        let sent = self.producer.send(&record, id.as_u128());
        Ok(sent.inspect_err(|_| self.metrics.count_delivery("refused"))?)
    }
}
