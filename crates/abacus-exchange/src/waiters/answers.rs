//! Hands replies and entries of the request log to the waiters.

use std::sync::Arc;

use abacus_schemas::Event;
use bytes::Bytes;
use uuid::Uuid;

use super::Waiters;
use crate::outcome::{LogProgress, ReplyKind, WaitOutcome};
use crate::reply_reader::{ReplyReader, Subject, leading_operation};
use crate::state::count;

impl<Q, L> Waiters<Q, L> {
    /// Hands a reply to the waiters, unless its content is about another request. Returns the kind
    /// of the reply.
    pub fn answer_checked<R: Event>(
        &self,
        correlation_id: &[u8],
        payload: &[u8],
        reader: &ReplyReader<R>,
    ) -> ReplyKind {
        let Ok(id) = Uuid::from_slice(correlation_id) else { return ReplyKind::Foreign };
        if let Some(operation) = leading_operation(id, payload) {
            let kind = self.answer_about(id, Some(operation), payload);
            if kind != ReplyKind::Mismatched {
                return kind;
            }
        }
        match reader.subject(id, payload) {
            Subject::Operation(operation) => self.answer_about(id, Some(&operation), payload),
            Subject::Unknown => self.answer_about(id, None, payload),
            Subject::Other => ReplyKind::Mismatched,
        }
    }

    /// Hands a reply to the waiters, without a look at its content. Returns the kind of the reply.
    pub fn answer(&self, correlation_id: &[u8], payload: &[u8]) -> ReplyKind {
        let Ok(id) = Uuid::from_slice(correlation_id) else { return ReplyKind::Foreign };
        self.answer_about(id, None, payload)
    }

    /// Hands a reply about `operation` to the waiters; `None` is not compared.
    pub(crate) fn answer_about(
        &self,
        id: Uuid,
        operation: Option<&str>,
        payload: &[u8],
    ) -> ReplyKind {
        let reply = Bytes::copy_from_slice(payload);
        let (published, attached, kind) = self.state.lock().answer(id, operation, &reply);
        self.gauge.sub(i64::from(published.is_some()) + count(&attached));
        let attached = attached.into_iter().map(|entry| entry.outcome);
        let mut is_heard = false;
        for outcome in attached.chain(published.map(|entry| entry.outcome)) {
            is_heard |= outcome.send(WaitOutcome::Replied(reply.clone())).is_ok();
        }
        match kind {
            _ if is_heard => ReplyKind::Answered,
            ReplyKind::Answered => ReplyKind::Late,
            kind => kind,
        }
    }

    /// Hands an entry of the request log to the attached waiters of the request.
    pub fn answer_logged(&self, id: Uuid, progress: LogProgress, entry: L) {
        let mut state = self.state.lock();
        let attached = match progress {
            LogProgress::Known => state.attached.take_known(id),
            LogProgress::Completed => state.attached.take(id),
        };
        drop(state);
        self.gauge.sub(count(&attached));
        let entry = Arc::new(entry);
        for waiter in attached {
            let _ = waiter.outcome.send(WaitOutcome::Logged(Arc::clone(&entry)));
        }
    }
}
