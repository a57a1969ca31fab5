//! A transport in memory, for tests and examples. A function acts as the event log and as the
//! service behind the log.

use std::sync::Arc;

use abacus_schemas::headers::TraceContext;
use abacus_schemas::{Encoder, Event};
use uuid::Uuid;

use crate::error::Error;
use crate::transport::Transport;
use crate::waiters::Waiters;

/// Fate of a request in a [`Loopback`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopbackOutcome<R> {
    /// The request is written, and this reply follows.
    Replied(R),
    /// The request is written, and no reply follows.
    Written,
    /// The delivery fails, for this reason.
    Failed(String),
    /// No report of the delivery and no reply arrive.
    Unreported,
}

/// Answers requests in memory. The waiters hear of deliveries and replies before `publish` returns.
pub struct Loopback<Q, R: Event, L, F> {
    waiters: Arc<Waiters<Q, L>>,
    encoder: Encoder<R>,
    respond: F,
}

impl<Q, R: Event, L, F: Fn(&Q) -> LoopbackOutcome<R>> Loopback<Q, R, L, F> {
    /// Makes a transport for the exchange with `waiters`. `respond` decides the fate of each
    /// request.
    pub fn new(waiters: Arc<Waiters<Q, L>>, encoder: Encoder<R>, respond: F) -> Self {
        Self { waiters, encoder, respond }
    }
}

impl<Q, R, L, F> Transport<Q> for Loopback<Q, R, L, F>
where
    Q: Send + Sync,
    R: Event,
    L: Send + Sync,
    F: Fn(&Q) -> LoopbackOutcome<R> + Send + Sync,
{
    fn is_reachable(&self) -> bool {
        true
    }

    fn publish(
        &self,
        id: Uuid,
        request: &Q,
        _: Option<TraceContext<'_>>,
        _: Option<i32>,
    ) -> Result<(), Error> {
        match (self.respond)(request) {
            LoopbackOutcome::Replied(reply) => {
                let payload = self.encoder.encode(&reply)?;
                self.waiters.mark_written(id);
                self.waiters.answer(id.as_bytes(), &payload);
            }
            LoopbackOutcome::Written => self.waiters.mark_written(id),
            LoopbackOutcome::Failed(reason) => self.waiters.mark_failed(id, reason),
            LoopbackOutcome::Unreported => {}
        }
        Ok(())
    }
}
