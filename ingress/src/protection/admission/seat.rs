//! The room that one who waits for an earlier computation takes up: one of the caller's share of those
//! who wait, and no memory and no place in a queue, as the work is accounted for where it was asked
//! for. Streams are counted besides, since a stream is a connection that nothing else ends.

use std::sync::Arc;

use super::callers::{Callers, Share};
use super::{Admission, Refusal};
use crate::protection::subject::Subject;

/// How many streams of events one caller may read at a time.
pub(super) const STREAMS: u64 = 100;

/// What one takes of a caller's share.
const SEAT: Share = Share { requests: 1, bytes: 0 };

/// What is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// A wait.
    Wait,
    /// A stream of events.
    Stream,
}

/// Free again once this is dropped.
pub(crate) struct Seat {
    admission: Arc<Admission>,
    subject: Subject,
    stay: Stay,
}

impl Admission {
    /// Takes up room without a computation.
    pub(in crate::protection) fn sit(
        self: &Arc<Self>,
        subject: Subject,
        stay: Stay,
    ) -> Result<Seat, Refusal> {
        let entered = self.those_who(stay).enter(&subject, SEAT);
        let entered = entered.map_err(|limit| Refusal::Share { limit });
        entered.inspect_err(|refusal| self.count(*refusal))?;
        Ok(Seat { admission: Arc::clone(self), subject, stay })
    }

    fn those_who(&self, stay: Stay) -> &Callers {
        match stay {
            Stay::Wait => &self.callers,
            Stay::Stream => &self.streams,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.admission.those_who(self.stay).leave(&self.subject, SEAT);
    }
}
