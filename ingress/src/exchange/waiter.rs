//! One who waits, as its handler holds it: dropping it ends the wait.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::exchange::waiters::{Ending, Waiters};

/// The wait of the one who sent the request.
pub(crate) struct Waiter {
    id: Uuid,
    ticket: u64,
    waiters: Arc<Waiters>,
    ending: oneshot::Receiver<Ending>,
    /// Whoever told the ending has cleared the place.
    is_over: bool,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the reply.
    pub(crate) reply: Duration,
    /// For the acknowledgement, if there is no reply: an answer is promised only for what is known to
    /// be in the log.
    pub(crate) acceptance: Duration,
}

impl Waiter {
    pub(crate) fn new(
        id: Uuid,
        ticket: u64,
        waiters: Arc<Waiters>,
        ending: oneshot::Receiver<Ending>,
    ) -> Self {
        Self { id, ticket, waiters, ending, is_over: false }
    }

    /// Waits for the reply, and where its time is over, for the acknowledgement.
    pub(crate) async fn wait(mut self, limits: Limits) -> Ending {
        let began = Instant::now();
        if let Some(ending) = self.until(began + limits.reply).await {
            return ending;
        }
        if let Some(ending) = self.waiters.await_written(self.id, self.ticket) {
            return ending;
        }
        match self.until(began + limits.acceptance.max(limits.reply)).await {
            Some(ending) => ending,
            None => self.expire(),
        }
    }

    async fn until(&mut self, deadline: Instant) -> Option<Ending> {
        match timeout_at(deadline, &mut self.ending).await {
            Ok(Ok(ending)) => {
                self.is_over = true;
                Some(ending)
            }
            Ok(Err(_)) => Some(Ending::Unconfirmed),
            Err(_) => None,
        }
    }

    /// The time is over; an ending that came in the same moment still counts.
    pub(crate) fn expire(&mut self) -> Ending {
        let expired = self.waiters.expire(self.id, self.ticket);
        expired.unwrap_or_else(|| self.ending.try_recv().unwrap_or(Ending::Unconfirmed))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if !self.is_over {
            self.waiters.expire(self.id, self.ticket);
        }
    }
}

/// What attaching to a computation came to.
pub(crate) enum Attachment {
    /// The reply is here already.
    Answered(Bytes),
    /// It is to be waited for.
    Waiting(Visit),
    /// Nobody waits any more: the process ends.
    Closed,
}

/// The wait of one who attached.
pub(crate) struct Visit {
    id: Uuid,
    ticket: u64,
    waiters: Arc<Waiters>,
    ending: oneshot::Receiver<Ending>,
    /// Whoever told the ending has cleared the place.
    is_over: bool,
}

impl Visit {
    pub(crate) fn new(
        id: Uuid,
        ticket: u64,
        waiters: Arc<Waiters>,
        ending: oneshot::Receiver<Ending>,
    ) -> Self {
        Self { id, ticket, waiters, ending, is_over: false }
    }

    /// Waits for news, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Ending {
        match timeout(limit, &mut self.ending).await {
            Ok(Ok(ending)) => {
                self.is_over = true;
                ending
            }
            Ok(Err(_)) => Ending::Pending,
            Err(_) => {
                self.waiters.leave(self.id, self.ticket);
                self.ending.try_recv().unwrap_or(Ending::Pending)
            }
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.is_over {
            self.waiters.leave(self.id, self.ticket);
        }
    }
}
