//! Calls of librdkafka that may outlast the time they are given, and are then left alone.
//!
//! `rd_kafka_send_offsets_to_transaction` waits for a group coordinator without a limit (librdkafka's
//! issue 5456), and where that is a broker that has left the cluster nothing wakes it (5511). A
//! synchronous commit has no limit at all.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

/// Beyond the time it was told, how long a call may take to come back with an answer of its own.
const GRACE: Duration = Duration::from_millis(500);

/// The error of a call that was left alone, and of no other that is made here.
pub(super) const TIMED_OUT_CALL: KafkaError =
    KafkaError::Global(RDKafkaErrorCode::OperationTimedOut);

/// Calls on a thread of its own, and gives up waiting with [`TIMED_OUT_CALL`] once `time` is well over. What
/// `call` holds lives until it does return.
pub(super) fn call(
    time: Duration,
    call: impl FnOnce() -> KafkaResult<()> + Send + 'static,
) -> KafkaResult<()> {
    let (answer, answered) = sync_channel(1);
    let spawned = thread::Builder::new().name("kafka-call".to_owned()).spawn(move || {
        let _ = answer.send(call());
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread for a call of Kafka");
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
