//! The measured loads: the bare echo, and the system with new or cached computations.

use std::fmt;

use serde::Serialize;

/// A load: the target and the kind of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Load {
    /// The bare echo.
    Floor,
    /// The system, with small computations never requested before.
    Unique,
    /// The system, with one computation in memory.
    Cached,
}

impl Load {
    /// All loads, in the order of measurement.
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Unique, Self::Cached];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Unique => "unique",
            Self::Cached => "cached",
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
