//! One who waits, as its handler holds it: dropping it ends the wait.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::exchange::waiters::{Ending, Waiters};

/// A place among the waiters, and where its holder hears how the wait ends.
pub(super) struct Place {
    id: Uuid,
    ticket: u64,
    waiters: Arc<Waiters>,
    ending: oneshot::Receiver<Ending>,
    /// Whoever told the ending has cleared the place.
    is_over: bool,
}

impl Place {
    pub(super) fn new(
        id: Uuid,
        ticket: u64,
        waiters: Arc<Waiters>,
        ending: oneshot::Receiver<Ending>,
    ) -> Self {
        Self { id, ticket, waiters, ending, is_over: false }
    }

    /// How the wait has ended by `deadline`; `silence`, where nobody is left to tell.
    async fn until(&mut self, deadline: Instant, silence: Ending) -> Option<Ending> {
        match timeout_at(deadline, &mut self.ending).await {
            Ok(Ok(ending)) => {
                self.is_over = true;
                Some(ending)
            }
            Ok(Err(_)) => Some(silence),
            Err(_) => None,
        }
    }

    /// An ending that came in the moment in which the place was given up; else `silence`.
    fn last(&mut self, silence: Ending) -> Ending {
        self.ending.try_recv().unwrap_or(silence)
    }
}

/// The wait of the one who sent the request.
pub(crate) struct Waiter(pub(super) Place);

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
    /// Waits for the reply, and where its time is over, for the acknowledgement.
    pub(crate) async fn wait(mut self, limits: Limits) -> Ending {
        let began = Instant::now();
        if let Some(ending) = self.until(began + limits.reply).await {
            return ending;
        }
        let Place { id, ticket, waiters, .. } = &self.0;
        if let Some(ending) = waiters.await_written(*id, *ticket) {
            return ending;
        }
        match self.until(began + limits.acceptance.max(limits.reply)).await {
            Some(ending) => ending,
            None => self.expire(),
        }
    }

    async fn until(&mut self, deadline: Instant) -> Option<Ending> {
        self.0.until(deadline, Ending::Unconfirmed).await
    }

    /// The time is over; an ending that came in the same moment still counts.
    pub(crate) fn expire(&mut self) -> Ending {
        let Place { id, ticket, waiters, .. } = &self.0;
        let expired = waiters.expire(*id, *ticket);
        expired.unwrap_or_else(|| self.0.last(Ending::Unconfirmed))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Place { id, ticket, waiters, is_over, .. } = &self.0;
        if !is_over {
            waiters.expire(*id, *ticket);
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
pub(crate) struct Visit(pub(super) Place);

impl Visit {
    /// Waits for news, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Ending {
        let told = self.0.until(Instant::now() + limit, Ending::Pending).await;
        told.unwrap_or_else(|| {
            self.leave();
            self.0.last(Ending::Pending)
        })
    }

    fn leave(&self) {
        let Place { id, ticket, waiters, .. } = &self.0;
        waiters.leave(*id, *ticket);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.0.is_over {
            self.leave();
        }
    }
}
