//! The first offset of a partition and its end.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::config::CALL_TIMEOUT;
use crate::context::Logging;
use crate::error::Error;

/// Between two questions, while the partition has no leader.
const PAUSE: Duration = Duration::from_millis(100);

/// The offset of the oldest record and that of the next one to be written; for a consumer that reads
/// what is committed only, that of the first open transaction. Blocks.
///
/// While brokers come back or hand over, a partition has no leader for a moment. That is waited
/// out, for as long as one call to the cluster may take.
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
                // librdkafka would go by what it has heard before.
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

    /// Asks a cluster that answers so before it gives the offsets.
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
