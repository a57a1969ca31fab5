//! The low and high watermarks of a partition.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::config::CALL_TIMEOUT;
use crate::context::Logging;
use crate::error::Error;

/// Pause between two requests while the partition has no leader.
const PAUSE: Duration = Duration::from_millis(100);

/// Returns the offset of the oldest record and the offset of the next record to be written. For a
/// `read_committed` consumer the second offset is the start of the first open transaction. Blocks.
///
/// While brokers restart or leadership moves, a partition has no leader for a moment. The function
/// retries within the time limit of one call to the cluster.
pub(crate) fn watermarks(
    consumer: &BaseConsumer<Logging>,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), Error> {
    let deadline = Instant::now() + CALL_TIMEOUT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match consumer.fetch_watermarks(topic, partition, left) {
            Err(error) if has_no_leader(&error) && left > PAUSE => {
                thread::park_timeout(PAUSE);
                // Without fresh metadata, librdkafka asks the former leader again.
                let _ = consumer.fetch_metadata(Some(topic), left.saturating_sub(PAUSE));
            }
            found => return found.map_err(Error::call(format!("the end of {topic}/{partition}"))),
        }
    }
}

fn has_no_leader(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::OffsetNotAvailable
                | Code::UnknownPartition
        )
    )
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::config::KafkaConfig;

    const TOPIC: &str = "topic";
    const NO_LEADER: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    const FORBIDDEN: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;

    /// Asks a cluster that answers with `refusals` before it gives the offsets.
    fn ask(refusals: &[RDKafkaRespErr]) -> Result<(i64, i64), Error> {
        let cluster: MockCluster<'_, DefaultProducerContext> = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC, 1, 1).unwrap();
        cluster.request_errors(RDKafkaApiKey::ListOffsets, refusals);
        let config = KafkaConfig::new(cluster.bootstrap_servers());
        let client = config.consumer("test", &[("group.id", "test")]);
        let consumer = client.create_with_context(Logging { client: "test".to_owned() }).unwrap();
        watermarks(&consumer, TOPIC, 0)
    }

    #[test]
    fn a_partition_without_a_leader_is_asked_for_again() {
        assert_eq!(ask(&[NO_LEADER; 4]).unwrap(), (0, 0));
    }

    #[test]
    fn what_will_not_pass_is_said_at_once() {
        let started = Instant::now();
        assert!(matches!(ask(&[FORBIDDEN; 2]), Err(Error::Call { .. })));
        assert!(started.elapsed() < CALL_TIMEOUT);
    }
}
