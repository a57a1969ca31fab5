//! The demand of a computation on the admission, and the reasons for a refusal.

use std::time::Duration;

/// Demand of a computation.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Bytes held while the computation is awaited.
    pub bytes: u64,
    /// Queue of the computation.
    pub queue: QueueKind,
}

/// Queue of a computation. Computations of one lane do not delay the other lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Computations of the main lane.
    Main,
    /// Computations of the heavy lane.
    Heavy,
}

/// Purpose of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// A wait for an earlier computation.
    Wait,
    /// A stream of events, counted separately because a connection with a stream has no time limit.
    Stream,
}

/// Why the admission refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionError {
    /// The subject's share of requests or bytes in flight is used up.
    Share {
        /// Largest number of requests of a subject.
        limit: u64,
    },
    /// All requests in flight hold the largest allowed memory.
    Bytes,
    /// The queue delay is longer than the limit, by this time.
    Delay(Duration),
}

impl AdmissionError {
    /// Label in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Share { .. } => "caller",
            Self::Bytes => "bytes",
            Self::Delay(_) => "delay",
        }
    }
}
