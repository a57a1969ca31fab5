//! What the rounds say: latencies with and without heavy requests, and their ratio round by round.

use std::time::Duration;

use serde::Serialize;

use crate::latency::Percentiles;
use crate::report::{Demand, median};
use crate::table;

/// The most by which heavy requests may lengthen the light ones' 99th percentile.
const MOST: f64 = 2.0;

/// Everything a run has found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Medians over the rounds.
    without: Latency,
    with: Latency,
    /// Median of the rounds' ratios.
    p50_ratio: f64,
    p99_ratio: f64,
    demands: Vec<Demand>,
    rounds: Vec<Round>,
}

/// One pair of measurements.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    pub(super) without: Latency,
    pub(super) with: Latency,
    /// From asking for the heavy ones to the last one's completion.
    pub(super) stalls_seconds: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Round {
    pub(super) fn new(without: Percentiles, with: Percentiles, stalls_took: Duration) -> Self {
        let (without, with) = (without.into(), with.into());
        Self { without, with, stalls_seconds: stalls_took.as_secs_f64() }
    }
}

impl From<Percentiles> for Latency {
    fn from(seen: Percentiles) -> Self {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        Self { p50_ms: ms(seen.p50), p99_ms: ms(seen.p99) }
    }
}

impl Report {
    pub(super) fn new(rounds: Vec<Round>) -> Self {
        let over = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
        let latency = |of: &dyn Fn(&Round) -> Latency| Latency {
            p50_ms: over(&|round| of(round).p50_ms),
            p99_ms: over(&|round| of(round).p99_ms),
        };
        let p99_ratio = over(&|round| round.with.p99_ms / round.without.p99_ms);
        Self {
            without: latency(&|round| round.without),
            with: latency(&|round| round.with),
            p50_ratio: over(&|round| round.with.p50_ms / round.without.p50_ms),
            p99_ratio,
            demands: vec![demand(p99_ratio)],
            rounds,
        }
    }
}

fn demand(p99_ratio: f64) -> Demand {
    Demand {
        what: "light p99 beside heavy requests over light p99 without, at most",
        bound: MOST,
        measured: Some(p99_ratio),
        is_met: Some(p99_ratio <= MOST),
    }
}

/// The report for people.
pub(super) fn render(report: &Report) -> String {
    let ratio = vec![
        "ratio".to_owned(),
        format!("{:.2}", report.p50_ratio),
        format!("{:.2}", report.p99_ratio),
    ];
    let rows =
        [cells("without heavy ones", report.without), cells("with heavy ones", report.with), ratio];
    let table = table::aligned(&["light requests", "p50 ms", "p99 ms"], rows.into_iter());
    format!("\n{table}\n{}", table::demands(&report.demands))
}

fn cells(name: &str, latency: Latency) -> Vec<String> {
    let Latency { p50_ms, p99_ms } = latency;
    vec![name.to_owned(), format!("{p50_ms:.2}"), format!("{p99_ms:.2}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(without_ms: u64, with_ms: u64) -> Round {
        let seen =
            |ms| Percentiles { p50: Duration::from_millis(1), p99: Duration::from_millis(ms) };
        Round::new(seen(without_ms), seen(with_ms), Duration::from_secs(40))
    }

    #[test]
    fn a_round_is_held_against_itself() {
        let report = Report::new(vec![round(10, 15), round(100, 170), round(1, 9)]);
        let expected = "
    light requests  p50 ms  p99 ms
without heavy ones    1.00   10.00
   with heavy ones    1.00   15.00
             ratio    1.00    1.70

met      light p99 beside heavy requests over light p99 without, at most 2: 1.70
";
        assert_eq!(render(&report), expected);
    }

    #[test]
    fn a_longer_wait_does_not_meet_the_demand() {
        assert_eq!(Report::new(vec![round(10, 21)]).demands[0].is_met, Some(false));
    }
}
