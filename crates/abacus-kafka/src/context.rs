//! What librdkafka reports of itself, put where it belongs: the log and the availability.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Logs a line of librdkafka under our names. Connection trouble is a warning however librdkafka
/// ranks it: it reconnects by itself, and [`crate::Availability`] reports what it means.
pub(crate) fn log(client: &str, level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel as Level;
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error | Level::Warning => {
            tracing::warn!(kafka.client = client, kafka.facility = facility, "{message}");
        }
        Level::Notice | Level::Info => {
            tracing::info!(kafka.client = client, kafka.facility = facility, "{message}");
        }
        Level::Debug => {
            tracing::debug!(kafka.client = client, kafka.facility = facility, "{message}");
        }
    }
}

/// Logs an error that librdkafka raises by itself, outside any call.
pub(crate) fn error(client: &str, error: &KafkaError, reason: &str) {
    tracing::warn!(kafka.client = client, error = %error, "{reason}");
}

/// Whether `error` says that no broker is left to talk to.
pub(crate) fn is_disconnection(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
}

/// A context that logs and does nothing else.
pub(crate) struct Logging {
    pub(crate) client: String,
}

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(&self.client, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self::error(&self.client, &error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Logging {}
