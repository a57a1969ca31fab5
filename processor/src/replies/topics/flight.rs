//! The unwritten replies of a topic, counted against its limits.

use std::time::{Duration, Instant};

use crate::reply_limits::ReplyLimits;

/// Time without a written reply after which a topic with unwritten replies counts as stalled.
const STALL: Duration = Duration::from_secs(2);
/// Part of the limits that a stalled topic has.
const STALLED_PART: usize = 10;

/// Unwritten replies of a topic.
pub(super) struct Flight {
    replies: usize,
    bytes: usize,
    /// Time of the last written reply, or of the first unwritten reply after an idle time.
    progress: Instant,
}

impl Flight {
    pub(super) fn new(now: Instant) -> Self {
        Self { replies: 0, bytes: 0, progress: now }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.replies == 0
    }

    /// Counts a reply, if the limits allow. An idle topic may have a reply of any size.
    pub(super) fn take(&mut self, bytes: usize, limits: &ReplyLimits, now: Instant) -> bool {
        if self.is_idle() {
            self.progress = now;
        }
        let is_stalled = now.saturating_duration_since(self.progress) > STALL;
        let part = if is_stalled { STALLED_PART } else { 1 };
        let fits = self.replies < limits.backlog.div_ceil(part)
            && self.bytes.saturating_add(bytes) <= limits.backlog_bytes / part;
        let is_admitted = fits || self.is_idle();
        if is_admitted {
            self.replies += 1;
            self.bytes += bytes;
        }
        is_admitted
    }

    /// Ends the counting of a reply.
    pub(super) fn end(&mut self, bytes: usize, is_written: bool, now: Instant) {
        self.replies = self.replies.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        if is_written {
            self.progress = now;
        }
    }
}
