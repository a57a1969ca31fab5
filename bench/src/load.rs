//! What is measured.

use std::fmt;

use serde::Serialize;

/// Who is asked, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Load {
    /// The bare echo.
    Floor,
    /// The system, for small computations that were never asked for before.
    Unique,
    /// The system, for one computation that it has in memory.
    Cached,
}

impl Load {
    /// All of them, in the order in which they are measured.
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
