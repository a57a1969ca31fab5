//! The two ways through the processor: one for what is quick, one for what is not.
//!
//! **Invariant:** nothing estimated to be slow is computed in the main lane. A costly request leaves it for the
//! heavy topic, in the transaction that commits its offset, and is computed in the heavy lane, which
//! has a consumer, a transaction and a few threads of its own. Each of those may be as late as it
//! likes without holding anything else up.

use abacus_schemas::Topics;

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// All requests come in here.
    Main,
    /// Costly requests, handed over.
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

    /// Where its requests come from.
    pub(crate) fn topic(self, topics: &Topics) -> &str {
        match self {
            Self::Main => &topics.requested,
            Self::Heavy => &topics.requested_heavy,
        }
    }

    /// The name of the lane's task: one of the two.
    pub(crate) const fn task(self, main: &'static str, heavy: &'static str) -> &'static str {
        match self {
            Self::Main => main,
            Self::Heavy => heavy,
        }
    }
}
