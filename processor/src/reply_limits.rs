//! Limits for the reply topics of direct producers.

use std::time::Duration;

/// Limits for reply topics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplyLimits {
    /// Unwritten replies of one topic.
    pub(crate) backlog: usize,
    /// Bytes of unwritten replies of one topic.
    pub(crate) backlog_bytes: usize,
    /// Topics in use or remembered as missing.
    pub(crate) topics: usize,
    /// Time for which the existence of a topic is remembered.
    pub(crate) memory: Duration,
}
