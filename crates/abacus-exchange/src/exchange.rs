//! Publishes a request and waits for the reply.

use std::sync::Arc;
use std::time::Duration;

use abacus_registry::SchemaRegistry;
use abacus_runtime::{Config, Environment};
use abacus_schemas::headers::TraceContext;
use abacus_schemas::{DecodeError, Event};
use uuid::Uuid;

use crate::attached::Awaited;
use crate::error::Error;
use crate::outcome::{LogProgress, Progress, WaitCondition, WaitOutcome};
use crate::recent::RecentOutcome;
use crate::reply_reader::ReplyReader;
use crate::state::accepts;
use crate::transport::Transport;
use crate::waiter::{Attachment, WaitLimits};
use crate::waiters::Waiters;

/// Shortest useful wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Limits of waits.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Longest wait for a reply, and the default.
    pub wait: Duration,
    /// Largest number of waiters.
    pub max_waiters: usize,
}

impl Config for ExchangeConfig {
    fn read(env: &mut Environment) -> Self {
        let wait = env.get(
            "ABACUS_WAIT",
            "30s",
            "Longest wait of an HTTP request for its result, and the default; then the answer is 202",
        );
        if wait < SHORTEST_WAIT {
            env.problem("ABACUS_WAIT", format!("expected at least {SHORTEST_WAIT:?}"));
        }
        let max_waiters = env.get(
            "ABACUS_MAX_WAITERS",
            "20000",
            "Limit of HTTP requests that wait at a time; further ones are answered 503",
        );
        if max_waiters == 0 {
            env.problem("ABACUS_MAX_WAITERS", "expected at least 1");
        }
        Self { wait, max_waiters }
    }
}

/// Publishes requests and waits for their replies. `Q` is a request, `R` a reply, `L` an entry of
/// the request log, and `T` the transport to the event log.
pub struct Exchange<Q, R: Event, L, T> {
    /// The waiters of this instance.
    pub waiters: Arc<Waiters<Q, L>>,
    /// The transport to the event log.
    pub transport: T,
    /// Decodes and checks replies, also for the thread of the reply partition.
    pub replies: Arc<ReplyReader<R>>,
    /// Source of schemas unknown to the decoder.
    pub registry: SchemaRegistry,
    /// Longest wait for a reply.
    pub wait: Duration,
    /// Longest wait for the acknowledgement of a request.
    pub acceptance: Duration,
}

/// A request to be published.
#[derive(Debug)]
pub struct Submission<'a, Q> {
    /// Id of the request, and correlation id of the reply.
    pub id: Uuid,
    /// The request.
    pub request: &'a Q,
    /// Operation of the request. A reply about another operation is dropped; `None` is not compared.
    pub operation: Option<&'static str>,
    /// W3C trace context of the request.
    pub trace: Option<TraceContext<'a>>,
    /// Partition of the record; `None` leaves the choice to the transport.
    pub partition: Option<i32>,
    /// Longest wait for the reply. A zero wait ends with the acknowledgement.
    pub wait: Duration,
}

/// Answer to a published request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<R> {
    /// The reply.
    Replied(R),
    /// No reply in time. The request is in the event log and will be processed.
    Accepted,
}

/// A remembered request.
#[derive(Debug)]
pub enum Recalled<Q, R> {
    /// The reply.
    Replied(R),
    /// The accepted request, still without a reply.
    Accepted(Arc<Q>),
}

impl<Q: Clone, R: Event, L, T: Transport<Q>> Exchange<Q, R, L, T> {
    /// Publishes the request and waits for the answer. The waiter is registered before the record
    /// is sent, and removed when this future ends or is dropped.
    pub async fn ask(&self, submission: Submission<'_, Q>) -> Result<Answer<R>, Error> {
        let Submission { id, request, operation, trace, partition, wait } = submission;
        if !self.transport.is_reachable() {
            return Err(Error::Unreachable);
        }
        let waiter = self.waiters.register(id, operation)?;
        self.transport.publish(id, request, trace, partition)?;
        let limits = WaitLimits { reply: wait, acceptance: self.acceptance };
        match waiter.wait(limits).await {
            // A call without a wait is answered `Accepted`, however fast the reply is.
            WaitOutcome::Replied(_) if wait.is_zero() => Ok(Answer::Accepted),
            WaitOutcome::Replied(bytes) => {
                let reply = self.read(id, &bytes).await?;
                let subject = (self.replies.subject)(&reply);
                // A reply in an unknown schema has reached the waiter without this comparison.
                if !accepts(operation, subject.map(|subject| subject.operation)) {
                    return Err(Error::MismatchedReply);
                }
                Ok(Answer::Replied(reply))
            }
            WaitOutcome::Pending | WaitOutcome::Logged(_) => {
                self.waiters.remember(id, Arc::new(request.clone()));
                Ok(Answer::Accepted)
            }
            WaitOutcome::NotWritten(reason) => Err(Error::NotWritten { reason }),
            WaitOutcome::Unconfirmed => Err(Error::Unconfirmed),
        }
    }

    /// Attaches to a request published elsewhere or earlier.
    pub fn attach(&self, id: Uuid, condition: WaitCondition) -> Result<Attachment<Q, L>, Error> {
        Ok(self.waiters.attach(id, condition)?)
    }

    /// Returns the remembered request or reply. An unreadable reply counts as unknown: the request
    /// log may have the completion.
    pub async fn recall(&self, id: Uuid) -> Option<Recalled<Q, R>> {
        match self.waiters.recent(id)? {
            RecentOutcome::Replied(reply) => match self.read(id, &reply).await {
                Ok(event) => Some(Recalled::Replied(event)),
                Err(error) => {
                    tracing::warn!(request_id = %id, %error, "a reply cannot be read");
                    None
                }
            },
            RecentOutcome::Accepted(request, _) => Some(Recalled::Accepted(request)),
            RecentOutcome::RepliedAtLength | RecentOutcome::Unanswered(_) => None,
        }
    }

    /// Decodes a reply about the request `id`. A new schema is fetched from the registry, once for
    /// any number of replies.
    pub async fn read(&self, id: Uuid, bytes: &[u8]) -> Result<R, Error> {
        let decoder = &self.replies.decoder;
        let reply = match decoder.decode(bytes) {
            Err(DecodeError::UnknownSchema(schema)) => {
                let learned = self.registry.resolve(decoder, schema).await;
                learned.map_err(Error::UnknownReplySchema)?;
                decoder.decode(bytes)?
            }
            result => result?,
        };
        if self.replies.is_about(id, &reply) { Ok(reply) } else { Err(Error::MismatchedReply) }
    }

    /// Returns the state of a request published by this instance.
    pub fn progress(&self, id: Uuid) -> Option<Progress> {
        self.waiters.progress(id)
    }

    /// Hands an entry of the request log to the attached waiters of the request.
    pub fn answer_logged(&self, id: Uuid, progress: LogProgress, entry: L) {
        self.waiters.answer_logged(id, progress, entry);
    }

    /// Returns the requests of all attached waiters.
    pub fn awaited(&self) -> Awaited {
        self.waiters.awaited()
    }

    /// Returns once a waiter is attached.
    pub async fn wait_for_attached(&self) {
        self.waiters.wait_for_attached().await;
    }
}

#[cfg(test)]
mod tests;
