//! Demands on the admission, and its refusals.

use std::time::Duration;

/// Demand of one computation.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Bytes held while the computation is awaited.
    pub bytes: u64,
    /// Queue in which the computation waits.
    pub queue: QueueKind,
}

/// Queue of a computation. Light and heavy computations do not delay each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Computations of the main lane.
    Light,
    /// Computations of the heavy lane.
    Heavy,
}

/// Purpose of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// A wait for an earlier computation.
    Wait,
    /// A stream of events, counted separately: nothing else limits the life of its connection.
    Stream,
}

/// Why the admission refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionError {
    /// The subject has its share of requests or bytes in flight.
    Share {
        /// Largest number of requests of one subject.
        limit: u64,
    },
    /// All requests in flight hold the largest allowed memory.
    Bytes,
    /// The queue delay is too long; after this time it is not.
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
