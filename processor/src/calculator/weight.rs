//! The treatment of a computation by its estimated cost: caching, sharing, or forwarding to the
//! heavy lane.

use crate::config::CostConfig;
use crate::lane::Lane;

/// Word operations below which computing takes no longer than a look into memory.
pub(super) const TRIVIAL: u64 = 2_000;
/// Word operations from which a computation is shared and can be interrupted.
const COSTLY: u64 = 100_000;

/// Treatment of a computation, by estimated cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Not worth caching.
    Trivial,
    /// Computed without sharing.
    Light,
    /// Shared and interruptible.
    Costly,
    /// Forwarded by the main lane.
    Heavy,
}

impl CostConfig {
    pub(super) fn weigh(&self, word_operations: u64, lane: Lane) -> Weight {
        let is_heavy = self.heavy > 0 && word_operations >= self.heavy;
        match lane {
            Lane::Main if is_heavy => Weight::Heavy,
            _ if word_operations >= COSTLY => Weight::Costly,
            _ if word_operations < TRIVIAL => Weight::Trivial,
            _ => Weight::Light,
        }
    }

    pub(super) fn is_worth_redis(&self, word_operations: u64) -> bool {
        word_operations >= self.redis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_main_lane_hands_over_and_only_what_is_heavy() {
        let costs = CostConfig { redis: 0, heavy: 1_000_000 };
        for (cost, main, heavy) in [
            (1_999, Weight::Trivial, Weight::Trivial),
            (2_000, Weight::Light, Weight::Light),
            (99_999, Weight::Light, Weight::Light),
            (100_000, Weight::Costly, Weight::Costly),
            (999_999, Weight::Costly, Weight::Costly),
            (1_000_000, Weight::Heavy, Weight::Costly),
        ] {
            assert_eq!(costs.weigh(cost, Lane::Main), main, "{cost}");
            assert_eq!(costs.weigh(cost, Lane::Heavy), heavy, "{cost}");
        }
    }

    #[test]
    fn no_threshold_is_no_hand_over() {
        let costs = CostConfig { redis: 0, heavy: 0 };
        assert_eq!(costs.weigh(u64::MAX, Lane::Main), Weight::Costly);
    }
}
