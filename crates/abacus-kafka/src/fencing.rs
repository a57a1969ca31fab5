//! Fatal states of a client, and fencing by another client with the same name.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::error::Error;

/// Two fencings within this time mean a live rival with the same name: the broker takes longer to abort
/// a transaction by timeout.
const FENCED_TWICE: Duration = Duration::from_secs(9);

/// The fencings of one client.
#[derive(Debug, Default)]
pub(crate) struct Fencings {
    last: Option<Instant>,
}

/// The state of a consumer after a failed poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterPoll {
    /// The next poll may succeed. The client's context has logged the error; a partition that cannot be
    /// read is found by the watch.
    PollAgain,
    /// The group has fenced this static member, after a join under the same name: by another process, or
    /// by a repeated join request of librdkafka. A new consumer must join.
    JoinAgain,
}

impl Fencings {
    /// Records a fencing. Returns true if a live rival is likely: the client must not fence the rival
    /// again.
    pub(crate) fn note(&mut self) -> bool {
        let before = self.last.replace(Instant::now());
        before.is_some_and(|before| before.elapsed() < FENCED_TWICE)
    }

    /// Records a failed poll of the consumer `client`. Returns an error if the consumer cannot continue.
    pub(crate) fn note_failed_poll(
        &mut self,
        client: &str,
        source: KafkaError,
    ) -> Result<AfterPoll, Error> {
        let client = client.to_owned();
        match source {
            KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) if self.note() => {
                Err(Error::Rival { client, source })
            }
            KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) => {
                tracing::warn!(
                    kafka.client = client,
                    "the group has fenced this member; joining again"
                );
                Ok(AfterPoll::JoinAgain)
            }
            KafkaError::MessageConsumptionFatal(_) => Err(Error::Fatal { client, source }),
            _ => {
                tracing::debug!(error = %source, "poll failed; polling again");
                Ok(AfterPoll::PollAgain)
            }
        }
    }
}
