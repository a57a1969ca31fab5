//! Limits the rate of log lines about repeated errors.

use std::collections::BTreeMap;
use std::time::Instant;

use abacus_runtime::LogLimit;

/// A limit for each kind of error. The number of kinds is the number of clients times the number of
/// error codes.
#[derive(Debug)]
pub(crate) struct LogLimits<K>(BTreeMap<K, LogLimit>);

impl<K: Ord> LogLimits<K> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Counts an error. Returns the number of suppressed errors if this error is to be logged.
    pub(crate) fn note(&mut self, kind: K, now: Instant) -> Option<u64> {
        let events = self.0.entry(kind).or_default().due(now)?;
        Some(events.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_repeated_error_is_logged_at_a_bounded_rate() {
        let (mut limits, began) = (LogLimits::new(), Instant::now());
        let logged = (0..1700).filter_map(|index| {
            limits.note("an error", began + Duration::from_secs(100) * index / 1700)
        });
        let logged: Vec<_> = logged.collect();
        assert_eq!(logged.len(), 10, "{logged:?}");
        assert_eq!(limits.note("another error", began), Some(0));
    }
}
