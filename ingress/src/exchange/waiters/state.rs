//! The books of [`Waiters`](super::Waiters), without their lock.

use std::collections::HashMap;

use axum::body::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Ending, NoPlace};
use crate::exchange::attached::{Attached, Seat};
use crate::exchange::recent::{End, Recent};
use crate::exchange::replies::ReplyKind;

pub(super) struct State {
    pub(super) waiting: HashMap<Uuid, Slot>,
    pub(super) attached: Attached,
    pub(super) recent: Recent,
    pub(super) tickets: u64,
    /// Set at the end of the drain: nobody waits any longer than until the request is written.
    pub(super) is_closing: bool,
}

/// The place of the one who sent the request.
pub(super) struct Slot {
    pub(super) ticket: u64,
    pub(super) ending: oneshot::Sender<Ending>,
    pub(super) is_written: bool,
    /// The time is over; the acknowledgement is all that is waited for.
    pub(super) is_overdue: bool,
}

impl State {
    pub(super) fn ticket(&mut self, limit: usize) -> Result<u64, NoPlace> {
        if self.waiting.len() + self.attached.len() >= limit {
            return Err(NoPlace::Full);
        }
        self.tickets += 1;
        Ok(self.tickets)
    }

    pub(super) fn take(&mut self, id: Uuid) -> Option<Slot> {
        let slot = self.waiting.remove(&id)?;
        if self.recent.get(id).is_none() {
            self.recent.insert(id, End::Unanswered);
        }
        Some(slot)
    }

    /// Who gets a reply, and what it is if nobody does. Replies to other instances are not kept.
    pub(super) fn answer(
        &mut self,
        id: Uuid,
        reply: &Bytes,
    ) -> (Option<Slot>, Vec<Seat>, ReplyKind) {
        let slot = self.waiting.remove(&id);
        let seats = self.attached.take(id);
        let kind = match self.recent.get(id) {
            _ if slot.is_some() => ReplyKind::Answered,
            Some(end) if end.is_answered() => ReplyKind::Duplicate,
            Some(_) => ReplyKind::Late,
            None => ReplyKind::Foreign,
        };
        if matches!(kind, ReplyKind::Answered | ReplyKind::Late) {
            self.recent.insert(id, End::Answered(reply.clone()));
        }
        (slot, seats, kind)
    }
}

pub(super) fn unanswered(is_written: bool) -> Ending {
    if is_written { Ending::Pending } else { Ending::Unconfirmed }
}

pub(super) fn count<T>(gone: &[T]) -> i64 {
    i64::try_from(gone.len()).unwrap_or(i64::MAX)
}
