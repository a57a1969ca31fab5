//! Examination of a burst of dead letters: the registry, or a producer, is the cause.

use std::time::Instant;

use abacus_registry::Error;
use abacus_schemas::ComputeRequested;

use super::Intake;
use super::breaker::UnreadableRecord;

impl Intake {
    /// Examines a burst of dead letters, for the reason `burst`, outside the polling thread.
    pub(super) fn examine(&self, burst: String) {
        let intake = self.clone();
        self.runtime.spawn(async move {
            intake.find_cause(&burst).await;
            intake.readiness.ready();
            for record in intake.breaker.end_examination(Instant::now()) {
                if record.context.ack.is_current() {
                    intake.dead_letter(record);
                }
            }
        });
    }

    /// Returns once the intake may go on.
    async fn find_cause(&self, burst: &str) {
        let mut attempt = 0;
        loop {
            match self.registry.check::<ComputeRequested>(&self.topic).await {
                Ok(()) if attempt == 0 => return self.report_producer(burst),
                Ok(()) => return tracing::info!("the registry has our schema; the intake goes on"),
                Err(error) if error.is_not_registered() => self.stop(burst, &error),
                // Without an answer nobody knows the cause. A running intake goes on: otherwise a
                // producer could stop this processor during any outage of the registry.
                Err(error) if attempt == 0 => return self.report_unknown(burst, &error),
                Err(error) => tracing::warn!("{error}; the intake stays stopped"),
            }
            tokio::time::sleep(self.breaker.delay(attempt)).await;
            attempt = attempt.saturating_add(1);
        }
    }

    fn report_producer(&self, burst: &str) {
        self.metrics.dead_letter_bursts.with_label_values(&["producer"]).inc();
        tracing::error!(
            kafka.topic = &*self.topic,
            "{burst}. The registry has our schema, so a producer writes them. Processing goes on; \
             `abacus-admin dead-letters list` shows them"
        );
    }

    fn report_unknown(&self, burst: &str, error: &Error) {
        self.metrics.dead_letter_bursts.with_label_values(&["unknown"]).inc();
        tracing::error!(
            kafka.topic = &*self.topic,
            "{burst}. The cause is unknown: {error}. Processing goes on"
        );
    }

    fn stop(&self, burst: &str, error: &Error) {
        self.readiness.not_ready(error.to_string());
        if self.breaker.open() {
            self.metrics.dead_letter_bursts.with_label_values(&["registry"]).inc();
            tracing::error!(
                kafka.topic = &*self.topic,
                "{burst}, and {error}. No more are taken until the registry has our schema"
            );
        }
    }
}

/// Makes unreadable records dead letters.
impl Intake {
    /// Makes a record a dead letter. While the intake is stopped, the record waits.
    pub(super) fn dead_letter(&self, record: UnreadableRecord) {
        let Some(UnreadableRecord { original, context, class, reason }) = self.breaker.park(record)
        else {
            return;
        };
        let now = Instant::now();
        if let Some(dead_letters) = self.logs.dead_letters.due(now) {
            tracing::warn!(
                kafka.topic = &*self.topic,
                kafka.partition = context.partition,
                kafka.offset = context.offset,
                class = class.as_str(),
                dead_letters,
                "dead letter: {reason}"
            );
        }
        let position = (self.lane, context.partition, context.offset);
        self.responder.dead_letter(original, context, class, &reason);
        if let Some(burst) = self.breaker.note_dead_letter(position, now) {
            self.examine(burst);
        }
    }
}
