//! Handles of waiters. Dropping a handle ends the wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::attached::WaiterId;
use crate::outcome::{RegisterError, WaitCondition, WaitOutcome};
use crate::waiters::{Attaching, OutcomeReceiver, Waiters};

/// A registered waiter, and the receiver of the outcome.
struct Registration<Q, L> {
    id: Uuid,
    waiter: WaiterId,
    waiters: Arc<Waiters<Q, L>>,
    outcome: OutcomeReceiver<L>,
    /// The sender of the outcome has removed the waiter.
    is_over: bool,
}

impl<Q, L> Registration<Q, L> {
    /// Waits for the outcome until `deadline`. A closed channel gives `silence`.
    async fn until(
        &mut self,
        deadline: Instant,
        silence: WaitOutcome<L>,
    ) -> Option<WaitOutcome<L>> {
        match timeout_at(deadline, &mut self.outcome).await {
            Ok(Ok(outcome)) => {
                self.is_over = true;
                Some(outcome)
            }
            Ok(Err(_)) => Some(silence),
            Err(_) => None,
        }
    }

    /// Returns an outcome sent during the removal of the waiter, else `silence`.
    fn last(&mut self, silence: WaitOutcome<L>) -> WaitOutcome<L> {
        self.outcome.try_recv().unwrap_or(silence)
    }
}

/// The wait of the publisher of a request.
pub struct PublishedWaiter<Q, L>(Registration<Q, L>);

/// Time limits of a publisher's wait.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    /// For the reply.
    pub reply: Duration,
    /// For the acknowledgement, if no reply arrives. A request is promised only after the
    /// acknowledgement.
    pub acceptance: Duration,
}

impl<Q, L> PublishedWaiter<Q, L> {
    /// Waits for the reply, and after the time limit of the reply for the acknowledgement.
    pub async fn wait(mut self, limits: WaitLimits) -> WaitOutcome<L> {
        let began = Instant::now();
        if let Some(outcome) = self.until(began + limits.reply).await {
            return outcome;
        }
        let Registration { id, waiter, waiters, .. } = &self.0;
        if let Some(outcome) = waiters.await_written(*id, *waiter) {
            return outcome;
        }
        match self.until(began + limits.acceptance.max(limits.reply)).await {
            Some(outcome) => outcome,
            None => self.expire(),
        }
    }

    async fn until(&mut self, deadline: Instant) -> Option<WaitOutcome<L>> {
        self.0.until(deadline, WaitOutcome::Unconfirmed).await
    }

    /// Removes this waiter. Returns its outcome; an outcome sent during the removal counts.
    pub(crate) fn expire(&mut self) -> WaitOutcome<L> {
        let Registration { id, waiter, waiters, .. } = &self.0;
        let expired = waiters.expire(*id, *waiter);
        expired.unwrap_or_else(|| self.0.last(WaitOutcome::Unconfirmed))
    }
}

impl<Q, L> Drop for PublishedWaiter<Q, L> {
    fn drop(&mut self) {
        let Registration { id, waiter, waiters, is_over, .. } = &self.0;
        if !is_over {
            waiters.expire(*id, *waiter);
        }
    }
}

/// Result of attaching to a request.
pub enum Attachment<Q, L> {
    /// The reply is known.
    Replied(Bytes),
    /// The caller waits.
    Waiting(AttachedWaiter<Q, L>),
    /// The process ends, and waits no more.
    Closed,
}

/// The wait of an attached caller.
pub struct AttachedWaiter<Q, L>(Registration<Q, L>);

impl<Q, L> AttachedWaiter<Q, L> {
    /// Waits for the outcome for at most `limit`.
    pub async fn wait(mut self, limit: Duration) -> WaitOutcome<L> {
        let outcome = self.0.until(Instant::now() + limit, WaitOutcome::Pending).await;
        outcome.unwrap_or_else(|| {
            self.detach();
            self.0.last(WaitOutcome::Pending)
        })
    }

    fn detach(&self) {
        let Registration { id, waiter, waiters, .. } = &self.0;
        waiters.detach(*id, *waiter);
    }
}

impl<Q, L> Drop for AttachedWaiter<Q, L> {
    fn drop(&mut self) {
        if !self.0.is_over {
            self.detach();
        }
    }
}

impl<Q, L> Waiters<Q, L> {
    /// Registers the publisher of `id`. From now on a reply to `id` is kept for the returned
    /// waiter. A reply about another operation than `operation` is dropped.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: Uuid,
        operation: Option<&'static str>,
    ) -> Result<PublishedWaiter<Q, L>, RegisterError> {
        let (waiter, outcome) = self.insert_published(id, operation)?;
        let waiters = Arc::clone(self);
        Ok(PublishedWaiter(Registration { id, waiter, waiters, outcome, is_over: false }))
    }

    /// Attaches to a request published elsewhere or earlier.
    pub(crate) fn attach(
        self: &Arc<Self>,
        id: Uuid,
        condition: WaitCondition,
    ) -> Result<Attachment<Q, L>, RegisterError> {
        Ok(match self.insert_attached(id, condition)? {
            Attaching::Replied(reply) => Attachment::Replied(reply),
            Attaching::Closed => Attachment::Closed,
            Attaching::Waiting(waiter, outcome) => {
                let waiters = Arc::clone(self);
                let registration = Registration { id, waiter, waiters, outcome, is_over: false };
                Attachment::Waiting(AttachedWaiter(registration))
            }
        })
    }
}

#[cfg(test)]
mod tests;
