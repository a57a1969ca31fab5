//! Forwards librdkafka's logs and errors to the process log.

use std::time::Instant;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::log_limits::LogLimits;

/// Logs a line of librdkafka with this crate's field names. Errors become warnings: librdkafka
/// reconnects by itself, and [`crate::Availability`] reports an outage.
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

/// Limits of log lines, by client and error code.
static LIMITS: Mutex<LogLimits<(String, Option<i32>)>> = Mutex::new(LogLimits::new());

/// Logs an error from librdkafka's background threads. A client may repeat an error many times a
/// second, so each kind of error is logged at a bounded rate.
pub(crate) fn error(client: &str, error: &KafkaError, reason: &str) {
    let code = error.rdkafka_error_code().map(|code| code as i32);
    let noted = LIMITS.lock().note((client.to_owned(), code), Instant::now());
    if let Some(suppressed) = noted {
        tracing::warn!(kafka.client = client, error = %error, suppressed, "{reason}");
    }
}

/// True if `error` means that no broker is reachable.
pub(crate) fn is_disconnection(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
}

/// A client context for logging alone.
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
