//! Limits for the reply topics of direct producers.

use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment};

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

impl Config for ReplyLimits {
    fn read(env: &mut Environment) -> Self {
        let backlog_bytes: ByteSize = env.get(
            "ABACUS_REPLY_BACKLOG_BYTES",
            "32MiB",
            "Size of the unwritten replies of one topic of a direct producer at which further replies are refused",
        );
        let limits = Self {
            backlog: env.get(
                "ABACUS_REPLY_BACKLOG",
                "20000",
                "Unwritten replies of one topic of a direct producer at which further replies are refused; a \
                 tenth after two seconds without a written reply",
            ),
            backlog_bytes: usize::try_from(backlog_bytes.as_u64()).unwrap_or(usize::MAX),
            topics: env.get(
                "ABACUS_REPLY_TOPIC_LIMIT",
                "1000",
                "Reply topics of direct producers that are remembered, missing topics included; further topics \
                 are refused while all have unwritten replies",
            ),
            memory: env.get(
                "ABACUS_REPLY_TOPIC_MEMORY",
                "30s",
                "Time for which a reply topic is known to exist or to be missing, before Kafka is asked again",
            ),
        };
        for (name, limit) in [
            ("ABACUS_REPLY_BACKLOG", limits.backlog),
            ("ABACUS_REPLY_BACKLOG_BYTES", limits.backlog_bytes),
            ("ABACUS_REPLY_TOPIC_LIMIT", limits.topics),
        ] {
            if limit == 0 {
                env.problem(name, "expected at least 1");
            }
        }
        limits
    }
}
