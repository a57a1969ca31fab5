//! A client that reads one partition at one offset, to find out if the partition can be read.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::finding::{ErrorClass, Finding, base_offset};
use crate::config::KafkaConfig;
use crate::context;
use crate::error::Error;
use crate::record::TopicPartition;

/// Longest wait for a record or an error.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);

/// A reader of single offsets.
pub(super) struct Probe {
    consumer: BaseConsumer<ProbeContext>,
}

struct ProbeContext {
    name: String,
    /// librdkafka's text of the last error.
    text: Mutex<String>,
}

impl Probe {
    /// Connects the client. The client never joins a group and never commits.
    pub(super) fn connect(config: &KafkaConfig, name: &str) -> Result<Self, Error> {
        let own = [
            ("group.id", name),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            // A batch comes whole in spite of the limits (KIP-74).
            ("queued.min.messages", "1"),
            ("fetch.message.max.bytes", "65536"),
        ];
        let context = ProbeContext { name: name.to_owned(), text: Mutex::default() };
        let consumer = config
            .consumer(name, &own)
            .create_with_context(context)
            .map_err(Error::client(name))?;
        Ok(Self { consumer })
    }

    /// Reads `partition` at `offset`, which is below the end of the committed records.
    pub(super) fn look(&self, partition: &TopicPartition, offset: i64) -> Finding {
        let finding = self.read(partition, offset).unwrap_or(Finding::Unknown);
        if let Err(error) = self.consumer.unassign() {
            tracing::debug!(%error, "cannot unassign the partition of a probe");
        }
        finding
    }

    fn read(&self, partition: &TopicPartition, offset: i64) -> KafkaResult<Finding> {
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(
            &partition.topic,
            partition.partition,
            Offset::Offset(offset),
        )?;
        self.consumer.assign(&position)?;
        let deadline = Instant::now() + LOOK_TIMEOUT;
        let mut is_disturbed = false;
        while Instant::now() < deadline {
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(_)) => return Ok(Finding::Delivered),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(Finding::Readable),
                Some(Err(error)) => match self.finding(&error) {
                    Finding::Unknown => is_disturbed = true,
                    finding => return Ok(finding),
                },
            }
        }
        if is_disturbed || !self.has_records_after(partition, offset)? {
            return Ok(Finding::Unknown);
        }
        let error = "the broker has records, and librdkafka can read none of them".to_owned();
        Ok(Finding::Unreadable { base: None, error })
    }

    fn finding(&self, error: &KafkaError) -> Finding {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        let text = std::mem::take(&mut *self.consumer.context().text.lock());
        match ErrorClass::of(code) {
            ErrorClass::Content => Finding::Unreadable {
                base: base_offset(&text),
                error: if text.is_empty() { code.to_string() } else { text },
            },
            ErrorClass::Refusal => Finding::Refused(code.to_string()),
            ErrorClass::Passing => Finding::Unknown,
        }
    }

    /// Asks the broker again after a look without a result: an answer shows that the broker is well.
    fn has_records_after(&self, partition: &TopicPartition, offset: i64) -> KafkaResult<bool> {
        let TopicPartition { topic, partition } = partition;
        let (_, end) = self.consumer.fetch_watermarks(topic, *partition, LOOK_TIMEOUT)?;
        Ok(offset < end)
    }
}

impl ClientContext for ProbeContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    /// Keeps the text: the errors of the probe are findings, and not worth a line in the log.
    fn error(&self, _: KafkaError, reason: &str) {
        reason.clone_into(&mut self.text.lock());
    }
}

impl ConsumerContext for ProbeContext {}
