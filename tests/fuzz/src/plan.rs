//! The plan of a run.

use std::time::Duration;

/// A plan. Equal plans write equal records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Seed of all random choices.
    pub seed: u64,
    /// The end of the run.
    pub length: Length,
    /// Number of random schemas offered to the registry.
    pub schemas: u64,
}

/// The length of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This number of records.
    Records(u64),
    /// Records for this time.
    Time(Duration),
    /// A single record of the seed.
    Only(u64),
}

impl Plan {
    /// A run of this length.
    pub fn new(seed: u64, length: Length) -> Self {
        Self { seed, length, schemas: 40 }
    }

    /// The numbers of the records.
    pub(crate) fn numbers(&self) -> std::ops::Range<u64> {
        match self.length {
            Length::Records(count) => 0..count,
            Length::Time(_) => 0..u64::MAX,
            Length::Only(number) => number..number + 1,
        }
    }
}
