//! The HTTP requests that wait for a reply, by correlation id.
//!
//! A waiter is registered before its record is sent and is gone when its [`Waiter`] is dropped:
//! after the answer, at the end of the wait, or when the caller disconnects. One lock guards all of
//! them; it is held for a look-up, and never while bytes are copied or a task is woken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::prometheus::IntGauge;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use crate::ended::{End, Ended};

/// How many past waiters are remembered, to classify replies that come twice or too late.
const REMEMBERED: usize = 16_384;

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With these bytes.
    Reply(Vec<u8>),
    /// The request is in the log, but nobody has answered yet.
    Pending,
    /// The request was given up before it was known to be in the log, and why.
    NotWritten(String),
    /// Nothing is known: no reply, no acknowledgement, no failure.
    Unconfirmed,
}

/// What a reply turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    /// Its waiter has it.
    Answered,
    /// Its waiter had given up.
    Late,
    /// Its waiter had an answer already.
    Duplicate,
    /// It is not a reply to this instance, or to a request long ago.
    Foreign,
}

impl ReplyKind {
    pub(crate) const NAMES: [&str; 4] = ["answered", "late", "duplicate", "foreign"];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Foreign => "foreign",
        }
    }
}

/// As many requests wait as are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// All waiters of this instance.
pub(crate) struct Waiters {
    limit: usize,
    gauge: IntGauge,
    state: Mutex<State>,
}

struct State {
    waiting: HashMap<Uuid, Slot>,
    ended: Ended,
}

struct Slot {
    ending: oneshot::Sender<Ending>,
    is_written: bool,
}

impl Waiters {
    /// At most `limit` waiters; `gauge` shows how many there are.
    pub(crate) fn new(limit: usize, gauge: IntGauge) -> Self {
        let state = State { waiting: HashMap::new(), ended: Ended::new(REMEMBERED) };
        Self { limit, gauge, state: Mutex::new(state) }
    }

    /// From now on a reply to `id` is kept for the waiter returned.
    pub(crate) fn register(self: &Arc<Self>, id: Uuid) -> Result<Waiter, Full> {
        let (sender, ending) = oneshot::channel();
        let mut state = self.state.lock();
        if state.waiting.len() >= self.limit {
            return Err(Full);
        }
        state.waiting.insert(id, Slot { ending: sender, is_written: false });
        self.gauge.inc();
        Ok(Waiter { id, waiters: Arc::clone(self), ending })
    }

    /// A reply has come in.
    pub(crate) fn answer(&self, correlation_id: &[u8], payload: &[u8]) -> ReplyKind {
        let Ok(id) = Uuid::from_slice(correlation_id) else { return ReplyKind::Foreign };
        let Some(slot) = self.take(id, End::Answered) else { return self.classify(id) };
        match slot.ending.send(Ending::Reply(payload.to_vec())) {
            Ok(()) => ReplyKind::Answered,
            Err(_dropped_meanwhile) => ReplyKind::Late,
        }
    }

    /// The request is in the log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        if let Some(slot) = self.state.lock().waiting.get_mut(&id) {
            slot.is_written = true;
        }
    }

    /// The request was given up. After a timeout it may have been written all the same; its reply then
    /// comes too late.
    pub(crate) fn mark_failed(&self, id: Uuid, reason: impl Into<String>) {
        if let Some(slot) = self.take(id, End::Unanswered) {
            let _ = slot.ending.send(Ending::NotWritten(reason.into()));
        }
    }

    /// Ends every wait now, as if its time were over.
    pub(crate) fn end_all(&self) {
        for id in self.ids() {
            if let Some(Slot { ending, is_written }) = self.take(id, End::Unanswered) {
                let _ = ending.send(unanswered(is_written));
            }
        }
    }

    /// Who waits now.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.state.lock().waiting.keys().copied().collect()
    }

    fn take(&self, id: Uuid, end: End) -> Option<Slot> {
        let mut state = self.state.lock();
        let slot = state.waiting.remove(&id)?;
        state.ended.insert(id, end);
        self.gauge.dec();
        Some(slot)
    }

    fn classify(&self, id: Uuid) -> ReplyKind {
        match self.state.lock().ended.get(id) {
            Some(End::Answered) => ReplyKind::Duplicate,
            Some(End::Unanswered) => ReplyKind::Late,
            None => ReplyKind::Foreign,
        }
    }
}

/// One registered wait; dropping it ends it.
pub(crate) struct Waiter {
    id: Uuid,
    waiters: Arc<Waiters>,
    ending: oneshot::Receiver<Ending>,
}

impl Waiter {
    /// Waits for the reply, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Ending {
        match timeout(limit, &mut self.ending).await {
            Ok(Ok(ending)) => ending,
            Ok(Err(_)) | Err(_) => self.expire(),
        }
    }

    /// The time is over; an ending that came in the same moment still counts.
    fn expire(&mut self) -> Ending {
        match self.waiters.take(self.id, End::Unanswered) {
            Some(slot) => unanswered(slot.is_written),
            None => self.ending.try_recv().unwrap_or(Ending::Unconfirmed),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiters.take(self.id, End::Unanswered);
    }
}

fn unanswered(is_written: bool) -> Ending {
    if is_written { Ending::Pending } else { Ending::Unconfirmed }
}

#[cfg(test)]
mod tests;
