//! What the rounds say: latencies with and without the attack, and their ratio round by round.

use std::time::Duration;

use serde::Serialize;

use super::attack::Outcome;
use crate::latency::Percentiles;
use crate::report::{Demand, median};
use crate::table;

/// The most by which an attack may lengthen another caller's 99th percentile.
const MOST: f64 = 2.0;

/// Everything a run has found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Medians over the rounds.
    without: Latency,
    with: Latency,
    /// Medians of the rounds' ratios.
    p50_ratio: f64,
    p99_ratio: f64,
    demands: Vec<Demand>,
    rounds: Vec<Round>,
}

/// One pair of measurements.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    pub(super) without: Latency,
    pub(super) with: Latency,
    pub(super) attack: Outcome,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Round {
    pub(super) fn new(without: Percentiles, with: Percentiles, attack: Outcome) -> Self {
        Self { without: without.into(), with: with.into(), attack }
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
        let demand = Demand {
            what: "a caller's p99 beside a flood and slow connections over its p99 without, at most",
            bound: MOST,
            measured: Some(p99_ratio),
            is_met: Some(p99_ratio <= MOST),
        };
        Self {
            without: latency(&|round| round.without),
            with: latency(&|round| round.with),
            p50_ratio: over(&|round| round.with.p50_ms / round.without.p50_ms),
            p99_ratio,
            demands: vec![demand],
            rounds,
        }
    }
}

/// The report for people.
pub(super) fn render(report: &Report) -> String {
    let cells = |name: &str, latency: Latency| {
        vec![name.to_owned(), format!("{:.2}", latency.p50_ms), format!("{:.2}", latency.p99_ms)]
    };
    let ratio = Latency { p50_ms: report.p50_ratio, p99_ms: report.p99_ratio };
    let rows = [
        cells("without the attack", report.without),
        cells("with the attack", report.with),
        cells("ratio", ratio),
    ];
    let table = table::aligned(&["another caller", "p50 ms", "p99 ms"], rows.into_iter());
    format!("\n{table}\n{}", table::demands(&report.demands))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_held_against_itself() {
        let round = |without, with| {
            let seen =
                |ms| Percentiles { p50: Duration::from_millis(1), p99: Duration::from_millis(ms) };
            Round::new(seen(without), seen(with), Outcome::default())
        };
        let report = Report::new(vec![round(10, 15), round(100, 170), round(1, 9)]);
        assert!(render(&report).contains("ratio    1.00    1.70"), "{}", render(&report));
        assert_eq!(report.demands[0].is_met, Some(true));
        assert_eq!(Report::new(vec![round(10, 21)]).demands[0].is_met, Some(false));
    }
}
