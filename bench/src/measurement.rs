//! The outcome of one load at one concurrency, over a few seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::latency::Percentiles;
use crate::load::Load;

/// The result of one closed loop.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// Answered requests, right or wrong.
    pub(crate) requests: u64,
    /// Requests that failed or were answered by an error.
    pub(crate) errors: u64,
    /// Answers per second.
    pub(crate) throughput: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// An outcome with its round, load and cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    pub(crate) round: u32,
    pub(crate) in_flight: u32,
    pub(crate) load: Load,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// CPU time per request of each process, in microseconds.
    pub(crate) cpu_micros: BTreeMap<String, f64>,
}

impl Outcome {
    pub(crate) fn new(requests: u64, errors: u64, took: Duration, seen: Percentiles) -> Self {
        Self {
            requests,
            errors,
            throughput: count(requests) / took.as_secs_f64(),
            p50_ms: seen.p50.as_secs_f64() * 1e3,
            p99_ms: seen.p99.as_secs_f64() * 1e3,
        }
    }
}

/// A count as a floating-point number. Exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "requests of one run are far fewer than 2^53")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

/// The middle figure, or the mean of the two middle ones. Zero if there is none.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let of = |figures: &[f64]| median(figures.iter().copied()).to_string();
        assert_eq!([of(&[4.0, 1.0]), of(&[3.0, 1.0, 2.0]), of(&[])], ["2.5", "2", "0"]);
    }
}
