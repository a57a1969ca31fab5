//! The waiters and the recent outcomes behind the lock of [`Waiters`](crate::Waiters).

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::attached::{AttachedEntries, AttachedEntry, WaiterId};
use crate::outcome::{RegisterError, ReplyKind, WaitOutcome};
use crate::recent::{RecentOutcome, RecentOutcomes};

/// The waiters and recent outcomes of an instance.
pub(crate) struct State<Q, L> {
    pub(crate) published: HashMap<Uuid, PublishedEntry<L>>,
    pub(crate) attached: AttachedEntries<L>,
    pub(crate) recent: RecentOutcomes<Q>,
    last_waiter: u64,
    /// Set at the end of the drain: a wait lasts only until the request is written.
    pub(crate) is_closing: bool,
}

/// The waiter of the publisher.
pub(crate) struct PublishedEntry<L> {
    pub(crate) waiter: WaiterId,
    pub(crate) outcome: oneshot::Sender<WaitOutcome<L>>,
    /// Operation of the request, for comparison with the reply.
    pub(crate) operation: Option<&'static str>,
    pub(crate) is_written: bool,
    /// The wait for the reply is over; the acknowledgement ends the wait.
    pub(crate) is_overdue: bool,
}

impl<Q, L> State<Q, L> {
    pub(crate) fn new(recent: RecentOutcomes<Q>) -> Self {
        Self {
            published: HashMap::new(),
            attached: AttachedEntries::default(),
            recent,
            last_waiter: 0,
            is_closing: false,
        }
    }

    /// Returns the id of a new waiter, within the limit of waiters.
    pub(crate) fn next_waiter(&mut self, limit: usize) -> Result<WaiterId, RegisterError> {
        if self.published.len() + self.attached.len() >= limit {
            return Err(RegisterError::Full);
        }
        self.last_waiter += 1;
        Ok(WaiterId(self.last_waiter))
    }

    /// Removes the publishing waiter of `id`, and remembers the wait.
    pub(crate) fn take(&mut self, id: Uuid) -> Option<PublishedEntry<L>> {
        let entry = self.published.remove(&id)?;
        if self.recent.get(id).is_none() {
            self.recent.insert(id, RecentOutcome::Unanswered(entry.operation));
        }
        Some(entry)
    }

    /// The operation of a request of this instance without a reply, if the publisher named one.
    pub(crate) fn operation(&self, id: Uuid) -> Option<&'static str> {
        match self.published.get(&id) {
            Some(entry) => entry.operation,
            None => self.recent.get(id)?.operation(),
        }
    }

    /// Removes the waiters of a reply. Returns the waiters, and the kind of the reply. Replies to
    /// another instance are not kept. A reply about another operation has no effect.
    pub(crate) fn answer(
        &mut self,
        id: Uuid,
        operation: Option<&str>,
        reply: &Bytes,
    ) -> (Option<PublishedEntry<L>>, Vec<AttachedEntry<L>>, ReplyKind) {
        if !accepts(self.operation(id), operation) {
            return (None, Vec::new(), ReplyKind::Mismatched);
        }
        let published = self.published.remove(&id);
        let attached = self.attached.take(id);
        let kind = match self.recent.get(id) {
            _ if published.is_some() => ReplyKind::Answered,
            Some(outcome) if outcome.is_replied() => ReplyKind::Duplicate,
            Some(_) => ReplyKind::Late,
            None => ReplyKind::Foreign,
        };
        if matches!(kind, ReplyKind::Answered | ReplyKind::Late) {
            self.recent.insert(id, RecentOutcome::Replied(reply.clone()));
        }
        (published, attached, kind)
    }
}

/// Returns false for a reply about another operation than `asked`. A reply without an operation comes
/// from a processor that could not read the request.
pub(crate) fn accepts(asked: Option<&str>, replied: Option<&str>) -> bool {
    match (asked, replied) {
        (Some(asked), Some(replied)) => replied.is_empty() || asked == replied,
        _ => true,
    }
}

/// Outcome of a wait without a reply.
pub(crate) fn unanswered<L>(is_written: bool) -> WaitOutcome<L> {
    if is_written { WaitOutcome::Pending } else { WaitOutcome::Unconfirmed }
}

/// Returns the number of waiters as a value for the gauge.
pub(crate) fn count<T>(entries: &[T]) -> i64 {
    i64::try_from(entries.len()).unwrap_or(i64::MAX)
}
