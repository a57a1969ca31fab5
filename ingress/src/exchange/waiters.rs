//! The HTTP requests that wait for a reply, by correlation id: the one that sent the request, and
//! those that attached to it.
//!
//! A waiter is registered before its record is sent and is gone when its [`Waiter`] is dropped:
//! after the answer, at the end of the wait, or when the caller disconnects. One lock guards all of
//! them and what is remembered of them; it is held for look-ups, and never while bytes are copied or
//! a task is woken.

mod state;

use std::collections::HashMap;
use std::sync::Arc;

use abacus_runtime::prometheus::IntGauge;
use abacus_schemas::ComputeRequested;
use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::computations::computation::{Computation, Status};
use crate::exchange::attached::{Attached, Awaited, Seat, Until};
use crate::exchange::recent::{End, Recent};
use crate::exchange::replies::ReplyKind;
use crate::exchange::waiter::{Attachment, Place, Visit, Waiter};
use state::{Slot, State, count, unanswered};

/// How many past waiters are remembered, and how many bytes of replies and requests.
const REMEMBERED: usize = 16_384;
const REMEMBERED_BYTES: usize = 32 << 20;

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With these bytes.
    Reply(Bytes),
    /// With what the request log has.
    Logged(Arc<Computation>),
    /// The request is in the event log, but nobody has answered yet.
    Pending,
    /// The request was given up before it was known to be in the event log, and why.
    NotWritten(String),
    /// Nothing is known: no reply, no acknowledgement, no failure.
    Unconfirmed,
}

/// Why somebody cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// As many requests wait as are allowed.
    Full,
    /// The sender of that very request waits already.
    Taken,
}

/// How far a request is that this instance sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its sender waits, and nobody knows yet whether it is in the event log.
    Sent,
    /// It is in the event log.
    Written,
}

/// All waiters of this instance.
pub(crate) struct Waiters {
    limit: usize,
    gauge: IntGauge,
    state: Mutex<State>,
    /// Told when somebody attaches where nobody was.
    company: Notify,
}

impl Waiters {
    /// At most `limit` waiters; `gauge` shows how many there are.
    pub(crate) fn new(limit: usize, gauge: IntGauge) -> Self {
        let state = State {
            waiting: HashMap::new(),
            attached: Attached::default(),
            recent: Recent::new(REMEMBERED, REMEMBERED_BYTES),
            tickets: 0,
            is_closing: false,
        };
        Self { limit, gauge, state: Mutex::new(state), company: Notify::new() }
    }

    /// From now on a reply to `id` is kept for the waiter returned. One who waits for it is not
    /// replaced: a request is sent once.
    pub(crate) fn register(self: &Arc<Self>, id: Uuid) -> Result<Waiter, NoPlace> {
        let (sender, ending) = oneshot::channel();
        let mut state = self.state.lock();
        if state.waiting.contains_key(&id) {
            return Err(NoPlace::Taken);
        }
        let ticket = state.ticket(self.limit)?;
        let is_overdue = state.is_closing;
        let slot = Slot { ticket, ending: sender, is_written: false, is_overdue };
        state.waiting.insert(id, slot);
        drop(state);
        self.gauge.inc();
        Ok(Waiter(Place::new(id, ticket, Arc::clone(self), ending)))
    }

    /// Waits for a computation that was asked for elsewhere or earlier.
    pub(crate) fn attach(self: &Arc<Self>, id: Uuid, until: Until) -> Result<Attachment, NoPlace> {
        let (sender, ending) = oneshot::channel();
        let mut state = self.state.lock();
        match state.recent.get(id) {
            Some(End::Answered(reply)) => return Ok(Attachment::Answered(reply.clone())),
            _ if state.is_closing => return Ok(Attachment::Closed),
            _ => {}
        }
        let ticket = state.ticket(self.limit)?;
        let is_first = state.attached.len() == 0;
        state.attached.insert(id, Seat { ticket, until, ending: sender });
        drop(state);
        self.gauge.inc();
        if is_first {
            self.company.notify_one();
        }
        Ok(Attachment::Waiting(Visit(Place::new(id, ticket, Arc::clone(self), ending))))
    }

    /// A reply has come in.
    pub(crate) fn answer(&self, correlation_id: &[u8], payload: &[u8]) -> ReplyKind {
        let Ok(id) = Uuid::from_slice(correlation_id) else { return ReplyKind::Foreign };
        let reply = Bytes::copy_from_slice(payload);
        let (slot, seats, kind) = self.state.lock().answer(id, &reply);
        self.gauge.sub(i64::from(slot.is_some()) + count(&seats));
        let seats = seats.into_iter().map(|seat| seat.ending);
        let mut is_heard = false;
        for ending in seats.chain(slot.map(|slot| slot.ending)) {
            is_heard |= ending.send(Ending::Reply(reply.clone())).is_ok();
        }
        match kind {
            _ if is_heard => ReplyKind::Answered,
            ReplyKind::Answered => ReplyKind::Late,
            kind => kind,
        }
    }

    /// The request log has news of a computation that is waited for.
    pub(crate) fn answer_logged(&self, computation: Computation) {
        let id = computation.request_id;
        let mut state = self.state.lock();
        let seats = match computation.status {
            Status::Pending => state.attached.take_known(id),
            Status::Succeeded | Status::Failed => state.attached.take(id),
        };
        drop(state);
        self.gauge.sub(count(&seats));
        let computation = Arc::new(computation);
        for seat in seats {
            let _ = seat.ending.send(Ending::Logged(Arc::clone(&computation)));
        }
    }

    /// The request is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        let mut state = self.state.lock();
        let Some(slot) = state.waiting.get_mut(&id) else { return };
        slot.is_written = true;
        let overdue = if slot.is_overdue { state.take(id) } else { None };
        drop(state);
        if let Some(slot) = overdue {
            self.gauge.dec();
            let _ = slot.ending.send(Ending::Pending);
        }
    }

    /// The request was given up. After a timeout it may have been written all the same; its reply then
    /// comes too late.
    pub(crate) fn mark_failed(&self, id: Uuid, reason: impl Into<String>) {
        let slot = self.state.lock().take(id);
        if let Some(slot) = slot {
            self.gauge.dec();
            let _ = slot.ending.send(Ending::NotWritten(reason.into()));
        }
    }

    /// The request is accepted, and its caller was told to come back.
    pub(crate) fn remember(&self, id: Uuid, request: Arc<ComputeRequested>) {
        let mut state = self.state.lock();
        if !state.recent.get(id).is_some_and(End::is_answered) {
            state.recent.insert(id, End::Accepted(request));
        }
    }

    /// How far the request known as `id` is on its way from here; `None` if it is on none.
    pub(crate) fn progress(&self, id: Uuid) -> Option<Progress> {
        let state = self.state.lock();
        let slot = state.waiting.get(&id).map(|slot| slot.is_written);
        let is_written = slot.or_else(|| match state.recent.get(id)? {
            End::Unanswered => None,
            End::Accepted(_) | End::Answered(_) | End::AnsweredAtLength => Some(true),
        })?;
        Some(if is_written { Progress::Written } else { Progress::Sent })
    }

    /// What is remembered of `id`.
    pub(crate) fn recent(&self, id: Uuid) -> Option<End> {
        self.state.lock().recent.get(id).cloned()
    }

    /// Ends every wait now, as if its time were over, and from now on at once.
    pub(crate) fn end_all(&self) {
        let mut state = self.state.lock();
        state.is_closing = true;
        let seats = state.attached.take_all();
        let ids: Vec<Uuid> = state.waiting.keys().copied().collect();
        let slots: Vec<Slot> = ids.into_iter().filter_map(|id| state.take(id)).collect();
        drop(state);
        self.gauge.sub(count(&seats) + count(&slots));
        for seat in seats {
            let _ = seat.ending.send(Ending::Pending);
        }
        for slot in slots {
            let _ = slot.ending.send(unanswered(slot.is_written));
        }
    }

    /// Whose replies are waited for by those who sent the requests.
    #[cfg(test)]
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.state.lock().waiting.keys().copied().collect()
    }

    /// What is waited for by those who attached.
    pub(crate) fn awaited(&self) -> Awaited {
        self.state.lock().attached.awaited()
    }

    /// Returns once somebody has attached.
    pub(crate) async fn company(&self) {
        while self.state.lock().attached.len() == 0 {
            self.company.notified().await;
        }
    }

    /// Gives the place of `ticket` up: what its end is, if it was still taken.
    pub(crate) fn expire(&self, id: Uuid, ticket: u64) -> Option<Ending> {
        let mut state = self.state.lock();
        let is_own = state.waiting.get(&id).is_some_and(|slot| slot.ticket == ticket);
        let slot = if is_own { state.take(id) } else { None }?;
        drop(state);
        self.gauge.dec();
        Some(unanswered(slot.is_written))
    }

    /// From now on the acknowledgement ends the wait of `ticket`: what ends it now, if that is here.
    pub(crate) fn await_written(&self, id: Uuid, ticket: u64) -> Option<Ending> {
        let mut state = self.state.lock();
        let slot = state.waiting.get_mut(&id).filter(|slot| slot.ticket == ticket)?;
        slot.is_overdue = true;
        let slot = if slot.is_written { state.take(id) } else { None }?;
        drop(state);
        self.gauge.dec();
        Some(unanswered(slot.is_written))
    }

    /// Gives a seat up.
    pub(crate) fn leave(&self, id: Uuid, ticket: u64) {
        if self.state.lock().attached.leave(id, ticket).is_some() {
            self.gauge.dec();
        }
    }
}

#[cfg(test)]
mod tests;
