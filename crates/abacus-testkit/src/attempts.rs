//! Calls that a broker may refuse. Each call returns the code of the error.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _};

use crate::direct_producer::{DeliveryReports, DirectProducer};
use crate::kafka::{Kafka, admin_options, block_on};
use crate::record::NewRecord;
use crate::wait::BROKER_CALL;

/// Time for the delivery of a record, in milliseconds.
const DELIVERY: &str = "5000";
/// Longest wait of one poll.
const POLL: Duration = Duration::from_millis(100);

impl Kafka {
    /// Starts a transactional producer, and so fences the present producer with this id.
    pub fn try_fence(&self, transactional_id: &str) -> Result<(), RDKafkaErrorCode> {
        let mut config = self.config();
        config.set("transactional.id", transactional_id);
        let producer: BaseProducer = config.create().expect("a producer");
        producer.init_transactions(BROKER_CALL).map_err(|error| code(&error))
    }

    /// Writes a record.
    pub fn try_produce(&self, record: &NewRecord) -> Result<(), RDKafkaErrorCode> {
        let mut config = self.config();
        let inner = config.set("message.timeout.ms", DELIVERY).create_with_context(DeliveryReports);
        let producer = DirectProducer::new(inner.expect("a producer"));
        let sent = producer.try_send(record).map_err(|error| code(&error))?;
        sent.outcome().map(drop).map_err(|error| code(&error))
    }

    /// Joins a consumer group. A client that reads or commits the offsets of a group asks for the
    /// coordinator of the group first, like a client that joins.
    pub fn try_join(&self, group: &str, topic: &str) -> Result<(), RDKafkaErrorCode> {
        let consumer: BaseConsumer =
            self.config().set("group.id", group).create().expect("a consumer");
        consumer.subscribe(&[topic]).map_err(|error| code(&error))?;
        let deadline = Instant::now() + BROKER_CALL;
        while Instant::now() < deadline {
            if let Some(polled) = consumer.poll(POLL) {
                return polled.map(drop).map_err(|error| code(&error));
            }
            if consumer.assignment().map_err(|error| code(&error))?.count() > 0 {
                return Ok(());
            }
        }
        panic!("{group} neither takes nor refuses a member")
    }

    /// Deletes a consumer group.
    pub fn try_delete_group(&self, group: &str) -> Result<(), RDKafkaErrorCode> {
        only(
            block_on(self.admin().delete_groups(&[group], &admin_options()))
                .map_err(|error| code(&error))?,
        )
    }

    /// Deletes a topic.
    pub fn try_delete_topic(&self, name: &str) -> Result<(), RDKafkaErrorCode> {
        only(
            block_on(self.admin().delete_topics(&[name], &admin_options()))
                .map_err(|error| code(&error))?,
        )
    }
}

/// Returns the only result of a call for one resource.
fn only(results: Vec<Result<String, (String, RDKafkaErrorCode)>>) -> Result<(), RDKafkaErrorCode> {
    let result = results.into_iter().next().expect("a result");
    result.map(drop).map_err(|(_, code)| code)
}

fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or_else(|| panic!("{error}"))
}
