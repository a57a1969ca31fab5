//! Limits for the reply topics of direct producers.

use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment, to_usize};

/// Lower bound of the memory of a topic: without memory, a reply to a partition beyond the topic would
/// cause a look-up for ever.
const SHORTEST_MEMORY: Duration = Duration::from_millis(1);

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
            backlog_bytes: to_usize(backlog_bytes),
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
        if limits.memory < SHORTEST_MEMORY {
            env.problem(
                "ABACUS_REPLY_TOPIC_MEMORY",
                format!("expected at least {SHORTEST_MEMORY:?}"),
            );
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_remembered_for_some_time() {
        for (memory, is_good) in [("0s", false), ("1ms", true)] {
            let mut env = Environment::from_pairs([("ABACUS_REPLY_TOPIC_MEMORY", memory)]);
            let _ = ReplyLimits::read(&mut env);
            let problems = env.finish().err().map(|p| p.to_string()).unwrap_or_default();
            assert_eq!(problems.is_empty(), is_good, "{memory}: {problems}");
        }
    }
}
