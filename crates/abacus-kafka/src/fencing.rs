//! Fatal states of a client, and fencing by another client with the same name.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Two fencings within this time mean a live rival with the same name: the broker takes longer to abort
/// a transaction by timeout.
const FENCED_TWICE: Duration = Duration::from_secs(9);

/// The fencings of one client.
#[derive(Debug, Default)]
pub(crate) struct Fencings {
    last: Option<Instant>,
}

impl Fencings {
    /// Records a fencing. Returns true if a live rival is likely: the client must not fence the rival
    /// again.
    pub(crate) fn note(&mut self) -> bool {
        let before = self.last.replace(Instant::now());
        before.is_some_and(|before| before.elapsed() < FENCED_TWICE)
    }
}

/// The reason for a failed poll of a group's consumer.
pub(crate) enum PollFailure {
    /// The next poll may succeed. The client's context has logged the error; a partition that cannot be
    /// read is found by the watch.
    Temporary,
    /// The group has fenced this static member, after a join under the same name: by another process, or
    /// by a repeated join request of librdkafka. A new consumer may join again.
    Fenced(KafkaError),
    /// The consumer cannot continue.
    Fatal(KafkaError),
}

impl From<KafkaError> for PollFailure {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) => Self::Fenced(error),
            KafkaError::MessageConsumptionFatal(_) => Self::Fatal(error),
            _ => {
                tracing::debug!(error = %error, "poll failed; polling again");
                Self::Temporary
            }
        }
    }
}
