//! Limits the rate of log lines about a repeated error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time in which an error of a client is logged once.
const INTERVAL: Duration = Duration::from_secs(10);

/// Counts repeated errors. The number of keys is the number of clients times the number of error
/// codes.
#[derive(Debug)]
pub(crate) struct Repeats<K> {
    errors: BTreeMap<K, Repeated>,
}

#[derive(Debug)]
struct Repeated {
    logged: Instant,
    /// Errors since the logged error.
    suppressed: u64,
}

impl<K: Ord> Repeats<K> {
    pub(crate) const fn new() -> Self {
        Self { errors: BTreeMap::new() }
    }

    /// Counts an error. Returns the number of suppressed errors if this error is to be logged.
    pub(crate) fn note(&mut self, key: K, now: Instant) -> Option<u64> {
        let Some(repeated) = self.errors.get_mut(&key) else {
            self.errors.insert(key, Repeated { logged: now, suppressed: 0 });
            return Some(0);
        };
        if now.saturating_duration_since(repeated.logged) < INTERVAL {
            repeated.suppressed += 1;
            return None;
        }
        repeated.logged = now;
        Some(std::mem::take(&mut repeated.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_error_is_logged_at_a_bounded_rate() {
        let (mut repeats, began) = (Repeats::new(), Instant::now());
        let logged = (0..1700).filter_map(|index| {
            repeats.note("an error", began + Duration::from_secs(100) * index / 1700)
        });
        let logged: Vec<_> = logged.collect();
        assert_eq!(logged.len(), 10, "{logged:?}");
        assert_eq!(repeats.note("another error", began), Some(0));
    }
}
