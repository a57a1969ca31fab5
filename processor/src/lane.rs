//! The two lanes of the processor: main for quick requests, heavy for costly requests.
//!
//! **Invariant:** the main lane computes no request with an estimate at the threshold or above. The
//! main lane forwards a costly request to the heavy topic, in the transaction that commits the
//! request's offset. The heavy lane has separate consumers, transactions and threads, and cannot
//! delay the main lane.

use abacus_schemas::Topics;

/// A lane of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Receives all requests.
    Main,
    /// Receives costly requests from the main lane.
    Heavy,
}

impl Lane {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::Heavy];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Heavy => "heavy",
        }
    }

    /// The topic of the lane's requests.
    pub(crate) fn topic(self, topics: &Topics) -> &str {
        match self {
            Self::Main => &topics.requested,
            Self::Heavy => &topics.requested_heavy,
        }
    }

    /// Chooses the name of a task by lane.
    pub(crate) const fn task(self, main: &'static str, heavy: &'static str) -> &'static str {
        match self {
            Self::Main => main,
            Self::Heavy => heavy,
        }
    }
}
