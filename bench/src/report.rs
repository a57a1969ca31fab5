//! The report: medians over the rounds, compared with the floor and with the demands.

mod render;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::findings::Demand;
use crate::load::Load;
use crate::measurement::{Measurement, median};
use crate::processes::Memory;

/// The findings of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) demands: Vec<Demand>,
    pub(crate) measurements: Vec<Measurement>,
}

/// Medians over the rounds of one load at one concurrency.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) in_flight: u32,
    pub(crate) load: Load,
    pub(crate) throughput: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Sum over the rounds.
    pub(crate) errors: u64,
    /// Throughput as a fraction of the floor's. `None` for the floor.
    pub(crate) of_floor_throughput: Option<f64>,
    /// Median latency as a multiple of the floor's. `None` for the floor.
    pub(crate) of_floor_p50: Option<f64>,
    /// CPU time per request of each process, in microseconds.
    pub(crate) cpu_micros: BTreeMap<String, f64>,
}

impl Report {
    pub(crate) fn new(measurements: Vec<Measurement>, memory: Vec<Memory>) -> Self {
        let rows = rows(&measurements);
        let demands = demands(&rows);
        Self { rows, memory, demands, measurements }
    }

    /// Number of failed requests.
    pub(crate) fn errors(&self) -> u64 {
        self.rows.iter().map(|row| row.errors).sum()
    }
}

impl Row {
    fn over(in_flight: u32, load: Load, rounds: &[&Measurement]) -> Self {
        let of = |figure: fn(&Measurement) -> f64| median(rounds.iter().map(|m| figure(m)));
        Self {
            in_flight,
            load,
            throughput: of(|m| m.outcome.throughput),
            p50_ms: of(|m| m.outcome.p50_ms),
            p99_ms: of(|m| m.outcome.p99_ms),
            errors: rounds.iter().map(|m| m.outcome.errors).sum(),
            of_floor_throughput: None,
            of_floor_p50: None,
            cpu_micros: cpu_micros(rounds),
        }
    }

    fn compared_to(mut self, floor: Option<&Self>) -> Self {
        if let Some(floor) = floor.filter(|_| self.load != Load::Floor) {
            self.of_floor_throughput = Some(self.throughput / floor.throughput);
            self.of_floor_p50 = Some(self.p50_ms / floor.p50_ms);
        }
        self
    }
}

fn rows(measurements: &[Measurement]) -> Vec<Row> {
    let mut groups: BTreeMap<(u32, Load), Vec<&Measurement>> = BTreeMap::new();
    for measurement in measurements {
        groups.entry((measurement.in_flight, measurement.load)).or_default().push(measurement);
    }
    let medians: BTreeMap<(u32, Load), Row> =
        groups.iter().map(|(&key, rounds)| (key, Row::over(key.0, key.1, rounds))).collect();
    let floor_of = |in_flight| medians.get(&(in_flight, Load::Floor));
    medians.values().map(|row| row.clone().compared_to(floor_of(row.in_flight))).collect()
}

fn cpu_micros(rounds: &[&Measurement]) -> BTreeMap<String, f64> {
    let names: BTreeSet<&String> = rounds.iter().flat_map(|m| m.cpu_micros.keys()).collect();
    let of = |name| median(rounds.iter().filter_map(|m| m.cpu_micros.get(name).copied()));
    names.into_iter().map(|name| (name.clone(), of(name))).collect()
}

/// The demands on the system.
fn demands(rows: &[Row]) -> Vec<Demand> {
    let row = |in_flight, load| rows.iter().find(|r| (r.in_flight, r.load) == (in_flight, load));
    let latency = row(1, Load::Unique).and_then(|row| row.of_floor_p50);
    let throughput = row(256, Load::Cached).and_then(|row| row.of_floor_throughput);
    vec![
        Demand {
            what: "1 in flight, unique: median over the floor's median, at most",
            bound: 2.5,
            measured: latency,
            is_met: latency.map(|ratio| ratio <= 2.5),
        },
        Demand {
            what: "256 in flight, cached: share of the floor's throughput, at least",
            bound: 0.15,
            measured: throughput,
            is_met: throughput.map(|ratio| ratio >= 0.15),
        },
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::measurement::Outcome;

    pub(crate) fn measured(load: Load, in_flight: u32, throughput: f64, p50: f64) -> Measurement {
        let outcome =
            Outcome { requests: 10, errors: 0, throughput, p50_ms: p50, p99_ms: p50 * 10.0 };
        let cpu_micros = BTreeMap::from([("ingress".to_owned(), throughput / 100.0)]);
        Measurement { round: 1, in_flight, load, outcome, cpu_micros }
    }

    #[test]
    fn medians_of_rounds_are_compared_to_the_floors() {
        let report = Report::new(
            vec![
                measured(Load::Floor, 1, 2_000.0, 0.5),
                measured(Load::Unique, 1, 900.0, 9.0),
                measured(Load::Unique, 1, 1_000.0, 1.0),
                measured(Load::Unique, 1, 1_100.0, 0.9),
            ],
            Vec::new(),
        );
        let [floor, unique] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
        assert_eq!((floor.of_floor_p50, floor.of_floor_throughput), (None, None));
        assert_eq!((unique.of_floor_p50, unique.of_floor_throughput), (Some(2.0), Some(0.5)));
        assert_eq!(unique.cpu_micros.get("ingress"), Some(&10.0));
    }

    #[test]
    fn a_demand_is_met_missed_or_not_measured() {
        let met = |rows: &[Row]| demands(rows).iter().map(|d| d.is_met).collect::<Vec<_>>();
        let run = [
            measured(Load::Floor, 1, 2_000.0, 0.5),
            measured(Load::Unique, 1, 700.0, 1.25),
            measured(Load::Floor, 256, 70_000.0, 3.0),
            measured(Load::Cached, 256, 7_000.0, 30.0),
        ];
        assert_eq!(met(&rows(&run)), [Some(true), Some(false)]);
        assert_eq!(met(&rows(&run[..1])), [None, None]);
    }
}
