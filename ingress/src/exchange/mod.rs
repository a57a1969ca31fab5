//! One request for one reply, over Kafka.

pub(crate) mod attached;
pub(crate) mod publisher;
pub(crate) mod recent;
pub(crate) mod replies;
pub(crate) mod waiter;
pub(crate) mod waiters;

use std::sync::Arc;
use std::time::Duration;

use abacus_registry::SchemaRegistry;
use abacus_runtime::{Config, Environment};
use abacus_schemas::{ComputeCompleted, ComputeRequested, DecodeError, Decoder};
use uuid::Uuid;

use crate::computations::computation::Computation;
use crate::error::Error;
use crate::exchange::publisher::{Envelope, Publisher};
use crate::exchange::recent::End;
use crate::exchange::waiter::Limits;
use crate::exchange::waiters::{Ending, NoPlace, Waiters};

/// Less than this is no time to wait at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// How long, and how many, may wait.
#[derive(Clone, Debug)]
pub(crate) struct ExchangeConfig {
    pub(crate) wait: Duration,
    pub(crate) max_waiters: usize,
}

impl Config for ExchangeConfig {
    fn read(env: &mut Environment) -> Self {
        let wait = env.get(
            "ABACUS_WAIT",
            "30s",
            "How long an HTTP request waits for its result before it is answered 202 pending, and at most",
        );
        if wait < SHORTEST_WAIT {
            env.problem("ABACUS_WAIT", format!("expected at least {SHORTEST_WAIT:?}"));
        }
        let max_waiters = env.get(
            "ABACUS_MAX_WAITERS",
            "20000",
            "How many HTTP requests may wait at a time; more are answered 503",
        );
        if max_waiters == 0 {
            env.problem("ABACUS_MAX_WAITERS", "expected at least 1");
        }
        Self { wait, max_waiters }
    }
}

/// Sends requests and waits for their replies.
pub(crate) struct Exchange {
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) publisher: Publisher,
    pub(crate) decoder: Decoder<ComputeCompleted>,
    pub(crate) registry: SchemaRegistry,
    /// The longest wait for a reply, and the usual one.
    pub(crate) wait: Duration,
    /// How long the event log may take to confirm a request.
    pub(crate) acceptance: Duration,
}

/// A request on its way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submission<'a> {
    pub(crate) id: Uuid,
    pub(crate) request: &'a ComputeRequested,
    pub(crate) traceparent: Option<&'a [u8]>,
    /// How long to wait for the reply; with no time at all, for the acknowledgement alone.
    pub(crate) wait: Duration,
}

impl Exchange {
    /// Publishes the request and waits for the answer; `None` if the request is in the log and will be
    /// worked on, but there is no answer yet. The waiter is there before the record is, and gone when
    /// this future is.
    pub(crate) async fn ask(
        &self,
        submission: Submission<'_>,
    ) -> Result<Option<ComputeCompleted>, Error> {
        let Submission { id, request, traceparent, wait } = submission;
        self.publisher.check()?;
        let waiter = self.waiters.register(id)?;
        self.publisher.publish(request, Envelope { id, traceparent })?;
        match waiter.wait(Limits { reply: wait, acceptance: self.acceptance }).await {
            // Who asked not to wait is not answered sooner by luck.
            Ending::Reply(_) if wait.is_zero() => Ok(None),
            Ending::Reply(bytes) => self.read(&bytes).await.map(Some),
            Ending::Pending | Ending::Logged(_) => {
                self.waiters.remember(id, Arc::new(request.clone()));
                Ok(None)
            }
            Ending::NotWritten(reason) => Err(Error::NotWritten { reason }),
            Ending::Unconfirmed => Err(Error::Unconfirmed),
        }
    }

    /// A computation that this instance knows of without asking anybody. A reply that cannot be read
    /// is none: the request log may have it.
    pub(crate) async fn recall(&self, id: Uuid) -> Option<Computation> {
        match self.waiters.recent(id)? {
            End::Answered(reply) => match self.read(&reply).await {
                Ok(event) => Some(Computation::of(id, event)),
                Err(error) => {
                    tracing::warn!(request_id = %id, %error, "a reply cannot be read");
                    None
                }
            },
            End::Accepted(request) => Some(Computation::pending(id, Arc::unwrap_or_clone(request))),
            End::AnsweredAtLength | End::Unanswered => None,
        }
    }

    /// A reply in a schema not seen before is worth a question to the registry, which is asked once
    /// for however many replies there are in it.
    pub(crate) async fn read(&self, bytes: &[u8]) -> Result<ComputeCompleted, Error> {
        match self.decoder.decode(bytes) {
            Err(DecodeError::UnknownSchema(schema)) => {
                let learned = self.registry.resolve(&self.decoder, schema).await;
                learned.map_err(Error::UnknownReplySchema)?;
                Ok(self.decoder.decode(bytes)?)
            }
            result => Ok(result?),
        }
    }
}

impl From<NoPlace> for Error {
    fn from(reason: NoPlace) -> Self {
        match reason {
            NoPlace::Full => Self::TooManyWaiting,
            NoPlace::Taken => Self::Unconfirmed,
        }
    }
}

/// A request of which nothing matters.
#[cfg(test)]
fn some_request() -> Arc<ComputeRequested> {
    Arc::new(ComputeRequested {
        request_id: String::new(),
        operation: "pow".to_owned(),
        operands: [].into(),
        requester: None,
        source: String::new(),
        requested_at: abacus_schemas::Timestamp::from_micros(0),
    })
}
