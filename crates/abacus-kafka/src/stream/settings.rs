//! How a stream consumes, publishes and commits.

use std::time::Duration;

use abacus_runtime::Setting;

/// How a stream consumes and commits.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The consumer group.
    pub group: String,
    /// This instance's name: stable over restarts, unique among living instances. It makes the
    /// `transactional.id`, by which a restarted instance ends what its predecessor left open.
    pub instance: String,
    /// The topics to consume.
    pub topics: Vec<String>,
    /// What readers of the output may rely on.
    pub guarantee: Guarantee,
    /// How the group agrees on who reads what; the same for all its members.
    pub protocol: GroupProtocol,
    /// The longest that a finished record waits to be committed.
    pub commit_interval: Duration,
    /// Commit sooner once this many records are finished.
    pub commit_records: usize,
    /// Commit sooner once the finished records hold this many bytes.
    pub commit_bytes: usize,
    /// The most records of one partition that may be received and not yet committed; beyond it
    /// the partition is paused, and only that one, until half of them are committed.
    pub partition_backlog: usize,
    /// The same in bytes of keys and payloads.
    pub partition_backlog_bytes: usize,
    /// How long work under way is waited for at shutdown. What is not finished by then is done
    /// again elsewhere.
    pub drain: Duration,
    /// The same when a partition is revoked: short, since the whole group waits.
    pub hand_over: Duration,
}

/// What readers of a stream's output may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// Outputs and offsets are committed in one transaction: a `read_committed` reader sees the
    /// output of each record once.
    ExactlyOnce,
    /// Outputs are written, then offsets are committed: a crash in between has the outputs written
    /// again. For brokers without transactions, and for outputs that readers tell apart by key.
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

/// How the members of a group agree on who reads what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// One of the members decides; partitions move one step at a time (cooperative-sticky).
    Classic,
    /// The broker decides (KIP-848; Kafka 4.0 and later). How soon a dead member is missed is then
    /// a setting of the broker.
    Consumer,
}

impl Setting for GroupProtocol {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "classic" => Ok(Self::Classic),
            "consumer" => Ok(Self::Consumer),
            _ => Err("expected `classic` or `consumer`".to_owned()),
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
        assert_eq!(GroupProtocol::parse("classic"), Ok(GroupProtocol::Classic));
        assert_eq!(GroupProtocol::parse("consumer"), Ok(GroupProtocol::Consumer));
        assert!(GroupProtocol::parse("").unwrap_err().contains("`consumer`"));
    }
}
