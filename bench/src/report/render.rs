//! The report as tables for people.

use std::collections::BTreeSet;

use super::{Report, Row};
use crate::findings::{Findings, render_demands};
use crate::measurement::count;
use crate::processes::Memory;
use crate::table::{Cells, aligned};

impl Findings for Report {
    /// Renders tables of figures, CPU time and memory, then the demands.
    fn render(&self) -> String {
        let parts = [
            Some(figures(&self.rows)),
            cpu(&self.rows),
            memory(&self.memory),
            Some(render_demands(&self.demands)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("\n{}", parts.join("\n"))
    }
}

fn figures(rows: &[Row]) -> String {
    let titles = [
        "in flight",
        "load",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "of floor's requests/s",
        "of floor's p50",
        "errors",
    ];
    aligned(&titles, rows.iter().map(figure_cells))
}

fn figure_cells(row: &Row) -> Cells {
    let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    vec![
        row.in_flight.to_string(),
        row.load.to_string(),
        format!("{:.0}", row.throughput),
        format!("{:.2}", row.p50_ms),
        format!("{:.2}", row.p99_ms),
        ratio(row.of_floor_throughput),
        ratio(row.of_floor_p50),
        row.errors.to_string(),
    ]
}

/// Renders the CPU time of each load. The floor's rows are left out, as processes idle in them.
fn cpu(rows: &[Row]) -> Option<String> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.of_floor_p50.is_some()).collect();
    let names: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.cpu_micros.keys()).map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let titles: Vec<&str> = ["in flight", "load"].into_iter().chain(names.clone()).collect();
    let table = aligned(&titles, rows.into_iter().map(|row| cpu_cells(row, &names)));
    Some(format!("CPU time on a request, microseconds\n{table}"))
}

fn cpu_cells(row: &Row, names: &BTreeSet<&str>) -> Cells {
    let micros = |name: &&str| row.cpu_micros.get(*name).map(|micros| format!("{micros:.0}"));
    let costs = names.iter().map(|name| micros(name).unwrap_or_default());
    [row.in_flight.to_string(), row.load.to_string()].into_iter().chain(costs).collect()
}

fn memory(processes: &[Memory]) -> Option<String> {
    if processes.is_empty() {
        return None;
    }
    let table = aligned(&["process", "RSS", "peak RSS", "PSS"], processes.iter().map(memory_cells));
    Some(format!("Memory after the run, MiB\n{table}"))
}

fn memory_cells(memory: &Memory) -> Cells {
    let mebibytes = |bytes: u64| format!("{:.1}", count(bytes) / 1024.0 / 1024.0);
    let pss = memory.pss.map_or("-".to_owned(), mebibytes);
    vec![memory.process.clone(), mebibytes(memory.rss), mebibytes(memory.peak), pss]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Load;
    use crate::report::tests::measured;

    #[test]
    fn a_report_reads_well() {
        let memory =
            Memory { process: "ingress".to_owned(), rss: 1 << 20, peak: 3 << 19, pss: None };
        let report = Report::new(
            vec![measured(Load::Floor, 1, 2_000.0, 0.5), measured(Load::Unique, 1, 800.0, 1.5)],
            vec![memory],
        );
        let expected = "
in flight    load  requests/s  p50 ms  p99 ms  of floor's requests/s  of floor's p50  errors
        1   floor        2000    0.50    5.00                      -               -       0
        1  unique         800    1.50   15.00                   0.40            3.00       0

CPU time on a request, microseconds
in flight    load  ingress
        1  unique        8

Memory after the run, MiB
process  RSS  peak RSS  PSS
ingress  1.0       1.5    -

NOT met  1 in flight, unique: median over the floor's median, at most 2.5: 3.00
unknown  256 in flight, cached: share of the floor's throughput, at least 0.15: not measured
";
        assert_eq!(report.render(), expected);
    }
}
