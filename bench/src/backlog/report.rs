//! The report on drains: medians over the rounds. Each rate is compared with the bare loop of its
//! round.

use std::collections::BTreeMap;

use serde::Serialize;

use super::drain::Drain;
use crate::findings::{Demand, Findings, render_demands};
use crate::measurement::{count, median};
use crate::table;

/// Least rate of one processor with exactly-once, as a fraction of the bare loop's rate.
const MIN_RATE_RATIO: f64 = 0.6;
/// Largest peak memory of a processor, in MiB.
const MAX_MEBIBYTES: f64 = 256.0;
const BARE: &str = "bare loop";
const JUDGED: &str = "processor, exactly-once";

/// The findings of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Mean length of a request's value and of a completion's value, in bytes.
    request_bytes: u64,
    completion_bytes: u64,
    rows: Vec<Row>,
    demands: Vec<Demand>,
    drains: Vec<Drain>,
}

/// Medians over the rounds of one contender.
#[derive(Debug, Serialize)]
struct Row {
    contender: String,
    rate: f64,
    /// Rate as a fraction of the bare loop's rate in the same round.
    of_bare: f64,
    own_micros: f64,
    other_micros: BTreeMap<String, f64>,
    /// Maximum over the rounds.
    peak_mebibytes: f64,
}

impl Report {
    pub(super) fn new(drains: Vec<Drain>, request_bytes: u64, completion_bytes: u64) -> Self {
        let rows = rows(&drains);
        let demands = demands(&rows);
        Self { request_bytes, completion_bytes, rows, demands, drains }
    }
}

impl Row {
    fn of(contender: &str, all: &[Drain]) -> Self {
        let drains: Vec<&Drain> = all.iter().filter(|d| d.contender == contender).collect();
        let ratio = |drain: &Drain| {
            let is_floor = |floor: &&Drain| floor.round == drain.round && floor.contender == BARE;
            all.iter().find(is_floor).map_or(f64::NAN, |floor| drain.rate / floor.rate)
        };
        let of = |figure: &dyn Fn(&Drain) -> f64| median(drains.iter().map(|drain| figure(drain)));
        let peak = drains.iter().map(|drain| drain.peak_bytes).max().unwrap_or_default();
        let others = drains.first().map(|drain| drain.other_micros.keys()).into_iter().flatten();
        let other = |name: &String| of(&|d| d.other_micros.get(name).copied().unwrap_or_default());
        Self {
            contender: contender.to_owned(),
            rate: of(&|drain| drain.rate),
            of_bare: of(&ratio),
            own_micros: of(&|drain| drain.own_micros),
            other_micros: others.map(|name| (name.clone(), other(name))).collect(),
            peak_mebibytes: count(peak) / 1024.0 / 1024.0,
        }
    }
}

/// Computes one row for each contender, in the order of measurement.
fn rows(drains: &[Drain]) -> Vec<Row> {
    let first = drains.first().map_or(0, |drain| drain.round);
    let contenders = drains.iter().filter(|drain| drain.round == first);
    contenders.map(|drain| Row::of(&drain.contender, drains)).collect()
}

fn demands(rows: &[Row]) -> Vec<Demand> {
    let judged = rows.iter().find(|row| row.contender == JUDGED);
    let (ratio, memory) = (judged.map(|row| row.of_bare), judged.map(|row| row.peak_mebibytes));
    vec![
        Demand {
            what: "processor, exactly-once: share of the bare loop's rate, at least",
            bound: MIN_RATE_RATIO,
            measured: ratio,
            is_met: ratio.map(|ratio| ratio >= MIN_RATE_RATIO),
        },
        Demand {
            what: "processor, exactly-once: peak RSS in MiB, at most",
            bound: MAX_MEBIBYTES,
            measured: memory,
            is_met: memory.map(|memory| memory <= MAX_MEBIBYTES),
        },
    ]
}

impl Findings for Report {
    fn render(&self) -> String {
        let Report { request_bytes, completion_bytes, rows, demands, .. } = self;
        let others: Vec<&String> =
            rows.first().map(|row| row.other_micros.keys()).into_iter().flatten().collect();
        let mut titles = vec!["who", "requests/s", "of bare", "peak RSS MiB", "CPU us"];
        titles.extend(others.iter().map(|name| name.as_str()));
        let table = table::aligned(&titles, rows.iter().map(|row| cells(row, &others)));
        let bytes =
            format!("a request has {request_bytes} bytes, a completion {completion_bytes}\n");
        format!("\n{table}\n{bytes}\n{}", render_demands(demands))
    }
}

fn cells(row: &Row, others: &[&String]) -> Vec<String> {
    let mut cells = vec![
        row.contender.clone(),
        format!("{:.0}", row.rate),
        format!("{:.2}", row.of_bare),
        format!("{:.0}", row.peak_mebibytes),
        format!("{:.1}", row.own_micros),
    ];
    let micros = |name: &&String| row.other_micros.get(*name).copied().unwrap_or_default();
    cells.extend(others.iter().map(|name| format!("{:.1}", micros(name))));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(round: u32, contender: &str, rate: f64) -> Drain {
        Drain {
            round,
            contender: contender.to_owned(),
            rate,
            own_micros: 10.0,
            other_micros: BTreeMap::from([("kafka".to_owned(), 4.0)]),
            peak_bytes: 100 << 20,
        }
    }

    #[test]
    fn a_rate_is_held_against_the_bare_loop_of_its_own_round() {
        let drains = vec![
            drain(1, BARE, 100.0),
            drain(1, JUDGED, 50.0),
            drain(2, BARE, 10.0),
            drain(2, JUDGED, 7.0),
            drain(3, BARE, 200.0),
            drain(3, JUDGED, 160.0),
        ];
        let expected = "
                    who  requests/s  of bare  peak RSS MiB  CPU us  kafka
              bare loop         100     1.00           100    10.0    4.0
processor, exactly-once          50     0.70           100    10.0    4.0

a request has 100 bytes, a completion 200

met      processor, exactly-once: share of the bare loop's rate, at least 0.6: 0.70
met      processor, exactly-once: peak RSS in MiB, at most 256: 100.00
";
        assert_eq!(Report::new(drains, 100, 200).render(), expected);
    }

    #[test]
    fn a_slow_processor_does_not_meet_the_demand() {
        let report = Report::new(vec![drain(1, BARE, 100.0), drain(1, JUDGED, 59.0)], 1, 1);
        let met: Vec<_> = report.demands.iter().map(|demand| demand.is_met).collect();
        assert_eq!(met, [Some(false), Some(true)]);
    }
}
