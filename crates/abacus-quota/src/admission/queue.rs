//! Estimate of the queue delay by Little's law: requests in flight divided by requests finished in a second
//! (J. D. C. Little, *A proof for the queuing formula L = λW*, 1961).
//!
//! Only busy intervals show how fast the processors can work: intervals in which the queue never ran short. Other
//! intervals show the demand and are ignored. Without a recent busy interval, or without any finished request, the delay
//! is unknown and no request is refused: the event log keeps the request, and the caller learns where to find the result.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A queue with fewer requests has run short.
const BUSY: u64 = 64;
/// Interval between two measurements of the pace.
const INTERVAL: Duration = Duration::from_millis(250);
/// Lifetime of a measurement.
const MEMORY: Duration = Duration::from_secs(5);
/// A queue without a finished request in this time stands still, and has no known pace.
const STANDSTILL: Duration = Duration::from_secs(1);

pub(super) struct Queue {
    in_flight: AtomicU64,
    /// Fewest requests in flight since the last measurement.
    fewest: AtomicU64,
    finished: AtomicU64,
    /// Pace in requests a second, as the bits of an `f64`; not a number if unknown.
    pace: AtomicU64,
    /// Microseconds from `start` to the next measurement.
    due: AtomicU64,
    start: Instant,
    samples: Mutex<Samples>,
}

#[derive(Debug)]
struct Samples {
    measured_at: Instant,
    busy: VecDeque<Sample>,
}

/// A busy interval.
#[derive(Clone, Copy, Debug)]
struct Sample {
    end: Instant,
    took: Duration,
    finished: u64,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self::at(Instant::now())
    }

    fn at(start: Instant) -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            fewest: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            pace: AtomicU64::new(f64::NAN.to_bits()),
            due: AtomicU64::new(0),
            start,
            samples: Mutex::new(Samples { measured_at: start, busy: VecDeque::new() }),
        }
    }

    /// Returns the part of the estimated delay beyond `limit`; a zero limit is no limit.
    pub(super) fn excess(&self, limit: Duration, now: Instant) -> Option<Duration> {
        self.measure(now);
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        if limit.is_zero() || in_flight < BUSY {
            return None;
        }
        let pace = f64::from_bits(self.pace.load(Ordering::Relaxed));
        let wait = Duration::try_from_secs_f64(real(in_flight) / pace).ok()?;
        wait.checked_sub(limit).filter(|excess| !excess.is_zero())
    }

    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a request: answered, or given up.
    pub(super) fn leave(&self, is_answered: bool) {
        let left = self.in_flight.fetch_sub(1, Ordering::Relaxed) - 1;
        self.fewest.fetch_min(left, Ordering::Relaxed);
        if is_answered {
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Measures the pace once an interval has passed. Concurrent callers do not wait for the measurement.
    fn measure(&self, now: Instant) {
        let due = Duration::from_micros(self.due.load(Ordering::Relaxed));
        if now.saturating_duration_since(self.start) < due {
            return;
        }
        let Some(mut samples) = self.samples.try_lock() else { return };
        let took = now.saturating_duration_since(samples.measured_at);
        if took < INTERVAL {
            return;
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let fewest = self.fewest.swap(in_flight, Ordering::Relaxed);
        let finished = self.finished.swap(0, Ordering::Relaxed);
        samples.measured_at = now;
        if fewest >= BUSY {
            samples.busy.push_back(Sample { end: now, took, finished });
        }
        self.pace.store(samples.pace(now).unwrap_or(f64::NAN).to_bits(), Ordering::Relaxed);
        let next = now.saturating_duration_since(self.start) + INTERVAL;
        self.due.store(u64::try_from(next.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Samples {
    /// Pace in requests a second.
    fn pace(&mut self, now: Instant) -> Option<f64> {
        while self.busy.front().is_some_and(|sample| now - sample.end > MEMORY) {
            self.busy.pop_front();
        }
        let has_moved = |sample: &&Sample| sample.finished > 0;
        let last = self.busy.iter().rev().find(has_moved)?;
        if now - last.end >= STANDSTILL {
            return None;
        }
        let finished: u64 = self.busy.iter().map(|sample| sample.finished).sum();
        let took: Duration = self.busy.iter().map(|sample| sample.took).sum();
        Some(real(finished) / took.as_secs_f64())
    }
}

#[expect(clippy::cast_precision_loss, reason = "requests are fewer than 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A queue with its own clock.
    struct Line {
        queue: Queue,
        now: Instant,
    }

    impl Line {
        fn of(requests: u64) -> Self {
            let now = Instant::now();
            let line = Self { queue: Queue::at(now), now };
            (0..requests).for_each(|_| line.queue.enter());
            line
        }

        /// Passes seconds in which `each` requests a second arrive and are answered.
        fn pass(&mut self, seconds: u64, each: u64) {
            for _ in 0..seconds * 4 {
                self.now += INTERVAL;
                for _ in 0..each / 4 {
                    self.queue.enter();
                    self.queue.leave(true);
                }
                self.queue.measure(self.now);
            }
        }

        fn excess(&self, limit: Duration) -> Option<Duration> {
            self.queue.excess(limit, self.now)
        }
    }

    #[test]
    fn the_wait_is_the_length_of_the_queue_by_its_pace() {
        let mut line = Line::of(1_000);
        line.pass(3, 100);
        assert_eq!(line.excess(4 * SECOND), Some(6 * SECOND));
        assert_eq!(line.excess(11 * SECOND), None);
        assert_eq!(line.excess(Duration::ZERO), None, "no limit");
    }

    #[test]
    fn a_queue_that_stands_still_turns_nobody_away() {
        let mut line = Line::of(10_000);
        line.pass(10, 0);
        assert_eq!(line.excess(SECOND), None, "it never moved");
        line.pass(2, 100);
        assert!(line.excess(SECOND).is_some());
        line.pass(2, 0);
        assert_eq!(line.excess(SECOND), None, "it has stopped");
    }

    #[test]
    fn few_requests_that_come_seldom_do_not_tell_the_pace() {
        let mut line = Line::of(0);
        line.pass(5, 4);
        (0..1_000).for_each(|_| line.queue.enter());
        assert_eq!(line.excess(SECOND), None);
        line.pass(2, 100);
        assert!(line.excess(SECOND).is_some(), "now it is known");
    }

    #[test]
    fn a_pace_of_long_ago_counts_no_more() {
        let mut line = Line::of(1_000);
        line.pass(2, 100);
        line.now += 2 * MEMORY;
        assert_eq!(line.excess(SECOND), None);
    }

    #[test]
    fn waits_that_were_given_up_are_no_work_done() {
        let mut line = Line::of(1_000);
        for _ in 0..40 {
            line.now += INTERVAL;
            (0..10).for_each(|_| line.queue.leave(false));
            line.queue.measure(line.now);
        }
        assert_eq!(line.excess(SECOND), None);
    }
}
