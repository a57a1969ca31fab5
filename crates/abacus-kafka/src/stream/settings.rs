//! Settings of a stream.

use std::time::Duration;

use abacus_runtime::Setting;

use crate::group_protocol::GroupProtocol;

/// Settings of a stream.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The consumer group.
    pub group: String,
    /// Name of this instance: stable over restarts, unique among running instances. The name is
    /// part of the `transactional.id`, so a restarted instance ends the open transaction of its
    /// predecessor.
    pub instance: String,
    /// The topics to consume.
    pub topics: Vec<String>,
    /// The guarantee to readers of the output.
    pub guarantee: Guarantee,
    /// The group's protocol, equal for all members.
    pub protocol: GroupProtocol,
    /// Longest wait of a finished record for its commit.
    pub commit_interval: Duration,
    /// Number of finished records that starts a commit early.
    pub commit_records: usize,
    /// Bytes of finished outputs that start a commit early.
    pub commit_bytes: usize,
    /// Most records of one partition received and not yet committed. At the limit this partition
    /// alone is paused, until half of the records are committed.
    pub partition_backlog: usize,
    /// Most bytes (keys and payloads) of one partition received and not yet committed, with the
    /// effect of `partition_backlog`.
    pub partition_backlog_bytes: usize,
    /// Longest wait for unfinished records at shutdown. Records unfinished by then are processed
    /// again by another instance.
    pub drain: Duration,
    /// Longest wait for unfinished records of a revoked partition. Short, because the whole group
    /// waits.
    pub hand_over: Duration,
}

/// The guarantee to readers of a stream's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// One transaction commits outputs and offsets: a `read_committed` reader sees the output of
    /// each record once.
    ExactlyOnce,
    /// Outputs are written first and offsets committed afterwards: a crash in between writes
    /// outputs again. For brokers without transactions, and for readers that deduplicate by key.
    AtLeastOnce,
}

impl Setting for Guarantee {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "exactly-once" => Ok(Self::ExactlyOnce),
            "at-least-once" => Ok(Self::AtLeastOnce),
            _ => Err("expected `exactly-once` or `at-least-once`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_has_its_word() {
        assert_eq!(Guarantee::parse("exactly-once"), Ok(Guarantee::ExactlyOnce));
        assert_eq!(Guarantee::parse("at-least-once"), Ok(Guarantee::AtLeastOnce));
        assert!(Guarantee::parse("once").unwrap_err().contains("`at-least-once`"));
    }
}
