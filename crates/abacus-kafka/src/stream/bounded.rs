//! A time limit for librdkafka calls without a reliable limit.
//!
//! `rd_kafka_send_offsets_to_transaction` waits for a group coordinator without a limit (librdkafka
//! issue 5456). If the coordinator is a broker that has left the cluster, nothing wakes the call
//! (issue 5511). A synchronous commit has no limit at all.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

/// Grace period for a call to return a result after its time limit.
const GRACE: Duration = Duration::from_millis(500);

/// The error of an abandoned call, distinct from the errors of calls that return.
pub(super) const TIMED_OUT_CALL: KafkaError =
    KafkaError::Global(RDKafkaErrorCode::OperationTimedOut);

/// Runs `call` on a new thread. Returns [`TIMED_OUT_CALL`] if the call takes longer than `time` and a
/// grace period. An abandoned call keeps its captured values until it returns.
pub(super) fn call(
    time: Duration,
    call: impl FnOnce() -> KafkaResult<()> + Send + 'static,
) -> KafkaResult<()> {
    let (answer, answered) = sync_channel(1);
    let spawned = thread::Builder::new().name("kafka-call".to_owned()).spawn(move || {
        let _ = answer.send(call());
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "cannot start a thread for a Kafka call");
        return Err(TIMED_OUT_CALL);
    }
    answered.recv_timeout(time + GRACE).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(TIMED_OUT_CALL),
        RecvTimeoutError::Disconnected => Err(KafkaError::Canceled),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_call_that_does_not_return_is_left_alone() {
        assert_eq!(call(Duration::ZERO, || Ok(())), Ok(()));
        let held = Arc::new(());
        let (began, its) = (Instant::now(), Arc::clone(&held));
        let result = call(Duration::ZERO, move || {
            thread::park_timeout(GRACE * 3);
            drop(its);
            Ok(())
        });
        assert_eq!(result, Err(TIMED_OUT_CALL));
        assert!(began.elapsed() < GRACE * 2);
        assert_eq!(Arc::strong_count(&held), 2, "what it holds must live on");
    }
}
