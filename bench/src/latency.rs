//! Latencies of one measurement, and their percentiles.
//!
//! A closed loop sends no request during a stall and so omits the callers of that time (coordinated
//! omission). `wrk` corrects for this: a latency above two mean intervals between the requests of a
//! connection counts additionally as the latencies of the omitted callers. For a fair comparison,
//! this module applies the rule to the floor.

use std::time::Duration;

/// Recorded latencies, in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    micros: Vec<u64>,
}

/// The median and the 99th percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        self.micros.push(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.micros.len()
    }

    /// The longest latency. Zero without any latency.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_micros(self.micros.iter().copied().max().unwrap_or_default())
    }

    /// Computes the percentiles, corrected for a mean `interval` between the requests of one
    /// caller. Returns `None` without any latency.
    pub(crate) fn percentiles(mut self, interval: Duration) -> Option<Percentiles> {
        let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX).max(1);
        let omitted: Vec<u64> =
            self.micros.iter().flat_map(|&micros| omitted(micros, interval)).collect();
        self.micros.extend(omitted);
        self.micros.sort_unstable();
        Some(Percentiles { p50: self.at(50)?, p99: self.at(99)? })
    }

    fn at(&self, percent: usize) -> Option<Duration> {
        let rank = (self.micros.len() * percent).div_ceil(100);
        self.micros.get(rank.saturating_sub(1)).copied().map(Duration::from_micros)
    }
}

/// Latencies of the callers omitted during one request of `micros`.
fn omitted(micros: u64, interval: u64) -> impl Iterator<Item = u64> {
    let later = move |&latency: &u64| latency.checked_sub(interval);
    std::iter::successors(micros.checked_sub(interval), later)
        .take_while(move |&latency| latency > interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        millis.into_iter().for_each(|ms| latencies.record(Duration::from_millis(ms)));
        latencies
    }

    #[test]
    fn percentiles_are_nearest_ranks_and_the_longest_is_the_maximum() {
        assert_eq!(latencies([2, 9, 1]).longest(), Duration::from_millis(9));
        let found = latencies((1..=100).rev()).percentiles(Duration::from_secs(1)).unwrap();
        assert_eq!(found.p50, Duration::from_millis(50));
        assert_eq!(found.p99, Duration::from_millis(99));
    }

    #[test]
    fn a_stall_counts_for_those_who_would_have_come() {
        assert_eq!(omitted(10, 3).collect::<Vec<_>>(), [7, 4]);
        assert_eq!(omitted(5, 3).count(), 0);
        let found = latencies([1, 1, 100]).percentiles(Duration::from_millis(1)).unwrap();
        assert!(found.p50 > Duration::from_millis(40), "{found:?}");
    }

    #[test]
    fn nothing_recorded_has_no_percentiles() {
        assert_eq!(Latencies::default().percentiles(Duration::from_millis(1)), None);
    }
}
