//! Reading from Kafka under the client name of the dead-letter commands.

use abacus_kafka::{Error, InboundRecord, KafkaConfig, ScanStart, TopicScan};

use crate::settings::Settings;

/// Client name in Kafka's logs and metrics.
const CLIENT: &str = "abacus-admin-dead-letters";

/// Opens a scan of the dead-letter topic.
pub(super) fn scan(settings: &Settings, start: &ScanStart) -> Result<TopicScan, Error> {
    TopicScan::open(&settings.kafka, CLIENT, &settings.topics.dead_letter, start)
}

/// Applies `read` to the record at one partition and offset of `topic`. Returns `None` if there is
/// no record.
pub(super) fn read_record<T>(
    kafka: &KafkaConfig,
    topic: &str,
    position: (i32, i64),
    read: impl FnOnce(&InboundRecord<'_>) -> T,
) -> Result<Option<T>, Error> {
    abacus_kafka::read_record(kafka, CLIENT, topic, position, read)
}
