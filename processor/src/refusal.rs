//! Reasons for which a request gets no reply.

/// Why a reply is not sent. The reason is a label of the metric, and a header of the completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `ABACUS_REPLY_TOPICS` does not allow the topic.
    Forbidden,
    /// The topic does not exist.
    NoSuchTopic,
    /// The topic has no partition with this number.
    NoSuchPartition,
    /// The topic has too many unwritten replies.
    Backlog,
    /// Too many reply topics are in use, or are new.
    TooManyTopics,
    /// Kafka does not say whether the topic exists.
    Unresolved,
    /// The producer refuses the reply.
    Failed,
}

impl Refusal {
    pub(crate) const ALL: [Self; 7] = [
        Self::Forbidden,
        Self::NoSuchTopic,
        Self::NoSuchPartition,
        Self::Backlog,
        Self::TooManyTopics,
        Self::Unresolved,
        Self::Failed,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NoSuchTopic => "no-such-topic",
            Self::NoSuchPartition => "no-such-partition",
            Self::Backlog => "backlog",
            Self::TooManyTopics => "too-many-topics",
            Self::Unresolved => "unresolved",
            Self::Failed => "failed",
        }
    }
}
