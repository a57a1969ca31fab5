//! All waiters of an instance, by correlation id: the publisher of each request, and attached
//! waiters.
//!
//! A waiter is registered before the record is sent. Dropping the handle removes the waiter: after
//! the answer, at the end of the wait, or when the caller disconnects. A single lock guards the
//! waiters and the recent outcomes. The lock is held for look-ups, and never while bytes are copied
//! or a task is woken.

mod answers;

use std::sync::Arc;

use abacus_runtime::prometheus::IntGauge;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::attached::{AttachedEntry, Awaited, WaiterId};
use crate::outcome::{Progress, RegisterError, WaitCondition, WaitOutcome};
use crate::recent::{RecentOutcome, RecentOutcomes};
use crate::state::{PublishedEntry, State, count, unanswered};

/// Largest number of remembered outcomes of each kind, and of their bytes.
const REMEMBERED: usize = 16_384;
const REMEMBERED_BYTES: usize = 32 << 20;

/// The receiver of the outcome of a wait.
pub(crate) type OutcomeReceiver<L> = oneshot::Receiver<WaitOutcome<L>>;

/// All waiters of an instance. `Q` is a request, `L` an entry of the request log.
pub struct Waiters<Q, L> {
    limit: usize,
    gauge: IntGauge,
    state: Mutex<State<Q, L>>,
    /// Notified when the first waiter attaches.
    first_attached: Notify,
}

/// Result of adding an attached waiter.
pub(crate) enum Attaching<L> {
    Replied(Bytes),
    Waiting(WaiterId, OutcomeReceiver<L>),
    Closed,
}

impl<Q, L> Waiters<Q, L> {
    /// Allows at most `limit` waiters, counted by `gauge`. `size` gives the bytes of a request.
    pub fn new(limit: usize, size: fn(&Q) -> usize, gauge: IntGauge) -> Self {
        let recent = RecentOutcomes::new(REMEMBERED, REMEMBERED_BYTES, size);
        let state = Mutex::new(State::new(recent));
        Self { limit, gauge, state, first_attached: Notify::new() }
    }

    /// Adds the publisher of `id`. A request is published once: an existing publisher is not
    /// replaced.
    pub(crate) fn insert_published(
        &self,
        id: Uuid,
        operation: Option<&'static str>,
    ) -> Result<(WaiterId, OutcomeReceiver<L>), RegisterError> {
        let (outcome, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        if state.published.contains_key(&id) {
            return Err(RegisterError::Taken);
        }
        let waiter = state.next_waiter(self.limit)?;
        let is_overdue = state.is_closing;
        let entry = PublishedEntry { waiter, outcome, operation, is_written: false, is_overdue };
        state.published.insert(id, entry);
        drop(state);
        self.gauge.inc();
        Ok((waiter, receiver))
    }

    /// Adds an attached waiter, unless the reply is known.
    pub(crate) fn insert_attached(
        &self,
        id: Uuid,
        condition: WaitCondition,
    ) -> Result<Attaching<L>, RegisterError> {
        let (outcome, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        match state.recent.get(id) {
            Some(RecentOutcome::Replied(reply)) => return Ok(Attaching::Replied(reply.clone())),
            _ if state.is_closing => return Ok(Attaching::Closed),
            _ => {}
        }
        let waiter = state.next_waiter(self.limit)?;
        let is_first = state.attached.len() == 0;
        state.attached.insert(id, AttachedEntry { waiter, condition, outcome });
        drop(state);
        self.gauge.inc();
        if is_first {
            self.first_attached.notify_one();
        }
        Ok(Attaching::Waiting(waiter, receiver))
    }

    /// Records the acknowledgement of the request by the event log.
    pub fn mark_written(&self, id: Uuid) {
        let mut state = self.state.lock();
        let Some(entry) = state.published.get_mut(&id) else { return };
        entry.is_written = true;
        let overdue = if entry.is_overdue { state.take(id) } else { None };
        drop(state);
        if let Some(entry) = overdue {
            self.gauge.dec();
            let _ = entry.outcome.send(WaitOutcome::Pending);
        }
    }

    /// Records the failed delivery of the request, and ends the wait of the publisher. After a
    /// time-out the request may still be written; the reply is late then.
    pub fn mark_failed(&self, id: Uuid, reason: impl Into<String>) {
        let entry = self.state.lock().take(id);
        if let Some(entry) = entry {
            self.gauge.dec();
            let _ = entry.outcome.send(WaitOutcome::NotWritten(reason.into()));
        }
    }

    /// Remembers an accepted request, unless a reply has arrived.
    pub(crate) fn remember(&self, id: Uuid, request: Arc<Q>) {
        let mut state = self.state.lock();
        if !state.recent.get(id).is_some_and(RecentOutcome::is_replied) {
            let operation = state.operation(id);
            state.recent.insert(id, RecentOutcome::Accepted(request, operation));
        }
    }

    /// Returns the state of a request published by this instance; `None` for an unknown request.
    pub fn progress(&self, id: Uuid) -> Option<Progress> {
        let state = self.state.lock();
        let published = state.published.get(&id).map(|entry| entry.is_written);
        let is_written = published.or_else(|| match state.recent.get(id)? {
            RecentOutcome::Unanswered(_) => None,
            RecentOutcome::Accepted(..)
            | RecentOutcome::Replied(_)
            | RecentOutcome::RepliedAtLength => Some(true),
        })?;
        Some(if is_written { Progress::Written } else { Progress::Sent })
    }

    /// Returns the remembered outcome of `id`.
    pub(crate) fn recent(&self, id: Uuid) -> Option<RecentOutcome<Q>> {
        self.state.lock().recent.get(id).cloned()
    }

    /// Ends every wait as at its time limit. From now on attached waits end at once, and
    /// publishers wait at most for the acknowledgement.
    pub fn end_all(&self) {
        let mut state = self.state.lock();
        state.is_closing = true;
        let attached = state.attached.take_all();
        let ids: Vec<Uuid> = state.published.keys().copied().collect();
        let published: Vec<PublishedEntry<L>> =
            ids.into_iter().filter_map(|id| state.take(id)).collect();
        drop(state);
        self.gauge.sub(count(&attached) + count(&published));
        for entry in attached {
            let _ = entry.outcome.send(WaitOutcome::Pending);
        }
        for entry in published {
            let _ = entry.outcome.send(unanswered(entry.is_written));
        }
    }

    /// Returns the requests of all waiting publishers.
    pub fn published(&self) -> Vec<Uuid> {
        self.state.lock().published.keys().copied().collect()
    }

    /// Returns the requests of all attached waiters.
    pub fn awaited(&self) -> Awaited {
        self.state.lock().attached.awaited()
    }

    #[cfg(test)]
    pub(crate) fn gauge(&self) -> i64 {
        self.gauge.get()
    }

    /// Returns once a waiter is attached.
    pub async fn wait_for_attached(&self) {
        while self.state.lock().attached.len() == 0 {
            self.first_attached.notified().await;
        }
    }

    /// Removes a publishing waiter. Returns its outcome if it was still registered.
    pub(crate) fn expire(&self, id: Uuid, waiter: WaiterId) -> Option<WaitOutcome<L>> {
        let mut state = self.state.lock();
        let is_own = state.published.get(&id).is_some_and(|entry| entry.waiter == waiter);
        let entry = if is_own { state.take(id) } else { None }?;
        drop(state);
        self.gauge.dec();
        Some(unanswered(entry.is_written))
    }

    /// Lets the acknowledgement end the wait. Returns the outcome if the acknowledgement is known
    /// already.
    pub(crate) fn await_written(&self, id: Uuid, waiter: WaiterId) -> Option<WaitOutcome<L>> {
        let mut state = self.state.lock();
        let entry = state.published.get_mut(&id).filter(|entry| entry.waiter == waiter)?;
        entry.is_overdue = true;
        let entry = if entry.is_written { state.take(id) } else { None }?;
        drop(state);
        self.gauge.dec();
        Some(unanswered(entry.is_written))
    }

    /// Removes an attached waiter.
    pub(crate) fn detach(&self, id: Uuid, waiter: WaiterId) {
        if self.state.lock().attached.remove(id, waiter).is_some() {
            self.gauge.dec();
        }
    }
}
