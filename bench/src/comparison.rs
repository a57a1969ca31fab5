//! Latencies without and with a disturbance, compared round by round.

use std::time::Duration;

use serde::Serialize;

use crate::findings::{Demand, Findings, render_demands};
use crate::latency::Percentiles;
use crate::measurement::median;
use crate::table;

/// Largest ratio of the 99th percentiles with and without the disturbance.
const MAX_RATIO: f64 = 2.0;

/// The subject of a comparison: titles of its rows, and the text of its demand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Title of the measured latencies.
    pub(crate) measured: &'static str,
    pub(crate) without: &'static str,
    pub(crate) with: &'static str,
    /// Text of the demand bounded by [`MAX_RATIO`].
    pub(crate) demand: &'static str,
}

/// The findings of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison<B> {
    #[serde(skip)]
    subject: Subject,
    /// Medians over the rounds.
    without: Latency,
    with: Latency,
    /// Medians of the rounds' ratios.
    p50_ratio: f64,
    p99_ratio: f64,
    demands: Vec<Demand>,
    rounds: Vec<Round<B>>,
}

/// One pair of measurements.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Round<B> {
    without: Latency,
    with: Latency,
    /// The disturbance of the second measurement, and its outcome.
    beside: B,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Latency {
    p50_ms: f64,
    p99_ms: f64,
}

impl<B> Round<B> {
    /// Compares two measurements. Prints both on standard error.
    pub(crate) fn new(without: Percentiles, with: Percentiles, beside: B) -> Self {
        let (without, with) = (Latency::from(without), Latency::from(with));
        for (name, Latency { p50_ms, p99_ms }) in [("without", without), ("with", with)] {
            eprintln!("  {name:<7}  p50 {p50_ms:>8.2} ms  p99 {p99_ms:>8.2} ms");
        }
        Self { without, with, beside }
    }
}

impl From<Percentiles> for Latency {
    fn from(seen: Percentiles) -> Self {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        Self { p50_ms: ms(seen.p50), p99_ms: ms(seen.p99) }
    }
}

impl<B> Comparison<B> {
    pub(crate) fn new(subject: Subject, rounds: Vec<Round<B>>) -> Self {
        let over = |figure: &dyn Fn(&Round<B>) -> f64| median(rounds.iter().map(figure));
        let latency = |of: &dyn Fn(&Round<B>) -> Latency| Latency {
            p50_ms: over(&|round| of(round).p50_ms),
            p99_ms: over(&|round| of(round).p99_ms),
        };
        let p99_ratio = over(&|round| round.with.p99_ms / round.without.p99_ms);
        let demand = Demand {
            what: subject.demand,
            bound: MAX_RATIO,
            measured: Some(p99_ratio),
            is_met: Some(p99_ratio <= MAX_RATIO),
        };
        Self {
            subject,
            without: latency(&|round| round.without),
            with: latency(&|round| round.with),
            p50_ratio: over(&|round| round.with.p50_ms / round.without.p50_ms),
            p99_ratio,
            demands: vec![demand],
            rounds,
        }
    }
}

impl<B: Serialize> Findings for Comparison<B> {
    fn render(&self) -> String {
        let Subject { measured, without, with, .. } = self.subject;
        let ratio = Latency { p50_ms: self.p50_ratio, p99_ms: self.p99_ratio };
        let rows = [(without, self.without), (with, self.with), ("ratio", ratio)];
        let cells = rows.map(|(name, Latency { p50_ms, p99_ms })| {
            vec![name.to_owned(), format!("{p50_ms:.2}"), format!("{p99_ms:.2}")]
        });
        let table = table::aligned(&[measured, "p50 ms", "p99 ms"], cells.into_iter());
        format!("\n{table}\n{}", render_demands(&self.demands))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject = Subject {
        measured: "light requests",
        without: "without heavy ones",
        with: "with heavy ones",
        demand: "light p99 beside heavy requests over light p99 without, at most",
    };

    fn round(without_ms: u64, with_ms: u64) -> Round<()> {
        let seen =
            |ms| Percentiles { p50: Duration::from_millis(1), p99: Duration::from_millis(ms) };
        Round::new(seen(without_ms), seen(with_ms), ())
    }

    #[test]
    fn a_round_is_held_against_itself() {
        let found = Comparison::new(SUBJECT, vec![round(10, 15), round(100, 170), round(1, 9)]);
        let expected = "
    light requests  p50 ms  p99 ms
without heavy ones    1.00   10.00
   with heavy ones    1.00   15.00
             ratio    1.00    1.70

met      light p99 beside heavy requests over light p99 without, at most 2: 1.70
";
        assert_eq!(found.render(), expected);
    }

    #[test]
    fn a_longer_wait_does_not_meet_the_demand() {
        assert_eq!(Comparison::new(SUBJECT, vec![round(10, 21)]).demands[0].is_met, Some(false));
    }
}
