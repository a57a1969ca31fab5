//! Findings of a run: printed as tables or JSON, and compared with demands (bounds on figures).

use anyhow::Result;
use serde::Serialize;

/// The findings of a run.
pub(crate) trait Findings: Serialize {
    /// Renders the findings for people.
    fn render(&self) -> String;

    /// Prints the findings on standard output. JSON includes every single measurement.
    fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            print!("{}", self.render());
        }
        Ok(())
    }
}

/// A bound on one figure.
#[derive(Debug, Serialize)]
pub(crate) struct Demand {
    pub(crate) what: &'static str,
    pub(crate) bound: f64,
    /// The figure. `None` if the run did not measure it.
    pub(crate) measured: Option<f64>,
    pub(crate) is_met: Option<bool>,
}

/// Renders one line for each demand.
pub(crate) fn render_demands(demands: &[Demand]) -> String {
    let sentences: Vec<String> = demands.iter().map(sentence).collect();
    format!("{}\n", sentences.join("\n"))
}

fn sentence(demand: &Demand) -> String {
    let Demand { what, bound, .. } = demand;
    match (demand.measured, demand.is_met) {
        (Some(measured), Some(true)) => format!("met      {what} {bound}: {measured:.2}"),
        (Some(measured), _) => format!("NOT met  {what} {bound}: {measured:.2}"),
        (None, _) => format!("unknown  {what} {bound}: not measured"),
    }
}
