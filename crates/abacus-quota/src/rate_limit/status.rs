//! The state of a quota, as told to callers.

use std::time::Duration;

/// Remaining units of a quota, by the knowledge of this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Remaining units.
    pub remaining: u64,
    /// Time until the quota is whole again. After a refusal: time until enough units are back.
    pub reset_after: Duration,
}

/// The quota has too few units left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded(pub RateLimitStatus);
