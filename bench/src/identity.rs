//! The cost of credentials: one cached computation, requested without credentials, with an API key,
//! and with a session token. Rounds of the three alternate, and each is compared with the anonymous
//! calls of its round. The system must allow anonymous callers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::findings::{Demand, Findings, render_demands};
use crate::load::Load;
use crate::measurement::{Outcome, median};
use crate::probe;
use crate::table;
use crate::wrk::Wrk;

/// Largest ratio of the medians with and without credentials.
const MAX_RATIO: f64 = 1.3;
const WARM_UP: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// URL of the running system
    #[arg(long, env = "ABACUS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// API key
    #[arg(long, env = "ABACUS_TOKEN", hide_env_values = true)]
    api_key: String,
    /// Session token, from a sign-in
    #[arg(long, env = "ABACUS_SESSION_TOKEN", hide_env_values = true)]
    session: String,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Length of each measurement, in seconds
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Number of requests in flight
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Print JSON with every single round instead of tables
    #[arg(long)]
    json: bool,
}

/// The findings of a run.
#[derive(Debug, Serialize)]
struct Report {
    demands: Vec<Demand>,
    rounds: Vec<Round>,
}

/// One measurement of each kind of caller.
#[derive(Debug, Serialize)]
struct Round {
    anonymous: Outcome,
    api_key: Outcome,
    session: Outcome,
}

/// Measures and prints the findings.
pub(crate) async fn run(options: &Options) -> Result<()> {
    for token in [None, Some(&*options.api_key), Some(&*options.session)] {
        probe::check(&options.url, token).await.context("before anything is measured")?;
    }
    let callers = Callers::new(options)?;
    eprintln!("warming up");
    callers.round(options.concurrency, WARM_UP)?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let round = callers.round(options.concurrency, Duration::from_secs(options.seconds))?;
        eprintln!("round {number} of {}: {}", options.rounds, round.summary());
        rounds.push(round);
    }
    Report::new(rounds).print(options.json)
}

struct Callers {
    anonymous: Wrk,
    api_key: Wrk,
    session: Wrk,
}

impl Callers {
    fn new(options: &Options) -> Result<Self> {
        let anonymous = Wrk::new(&options.url)?;
        let api_key = anonymous.with_token(Some(&options.api_key));
        let session = anonymous.with_token(Some(&options.session));
        Ok(Self { anonymous, api_key, session })
    }

    fn round(&self, connections: u32, time: Duration) -> Result<Round> {
        let run = |wrk: &Wrk| {
            let outcome = wrk.run(Load::Cached, connections, time)?;
            ensure!(outcome.errors == 0, "{} requests failed", outcome.errors);
            Ok(outcome)
        };
        Ok(Round {
            anonymous: run(&self.anonymous)?,
            api_key: run(&self.api_key)?,
            session: run(&self.session)?,
        })
    }
}

impl Round {
    fn summary(&self) -> String {
        let Self { anonymous, api_key, session } = self;
        format!(
            "p50 {:.3} ms, {:.3} by API key, {:.3} by token",
            anonymous.p50_ms, api_key.p50_ms, session.p50_ms
        )
    }
}

impl Report {
    fn new(rounds: Vec<Round>) -> Self {
        let ratio = |of: &dyn Fn(&Round) -> &Outcome| {
            median(rounds.iter().map(|round| of(round).p50_ms / round.anonymous.p50_ms))
        };
        let api_key = ratio(&|round| &round.api_key);
        let session = ratio(&|round| &round.session);
        let demands = vec![
            demand("median by API key over the anonymous median, at most", api_key),
            demand("median by token over the anonymous median, at most", session),
        ];
        Self { demands, rounds }
    }
}

impl Findings for Report {
    fn render(&self) -> String {
        let medians = |of: &dyn Fn(&Round) -> &Outcome| {
            let over = |figure: &dyn Fn(&Outcome) -> f64| {
                median(self.rounds.iter().map(|round| figure(of(round))))
            };
            [over(&|o| o.p50_ms), over(&|o| o.p99_ms), over(&|o| o.throughput)]
        };
        let row = |name: &str, [p50, p99, rate]: [f64; 3]| {
            vec![name.to_owned(), format!("{p50:.3}"), format!("{p99:.3}"), format!("{rate:.0}")]
        };
        let rows = [
            row("anonymous", medians(&|round| &round.anonymous)),
            row("API key", medians(&|round| &round.api_key)),
            row("session's token", medians(&|round| &round.session)),
        ];
        let head = ["cached calls", "p50 ms", "p99 ms", "a second"];
        let table = table::aligned(&head, rows.into_iter());
        format!("\n{table}\n{}", render_demands(&self.demands))
    }
}

fn demand(what: &'static str, measured: f64) -> Demand {
    Demand { what, bound: MAX_RATIO, measured: Some(measured), is_met: Some(measured <= MAX_RATIO) }
}

#[cfg(test)]
mod tests {
    use crate::latency::Percentiles;

    use super::*;

    fn outcome(micros: u64) -> Outcome {
        let seen =
            Percentiles { p50: Duration::from_micros(micros), p99: Duration::from_millis(9) };
        Outcome::new(100, 0, Duration::from_secs(1), seen)
    }

    #[test]
    fn each_round_is_held_against_its_own_anonymous_calls() {
        let round = |anonymous, api_key, session| Round {
            anonymous: outcome(anonymous),
            api_key: outcome(api_key),
            session: outcome(session),
        };
        let report = Report::new(vec![
            round(1000, 1100, 1400),
            round(2000, 2200, 2800),
            round(500, 5000, 550),
        ]);
        let measured: Vec<_> = report.demands.iter().map(|demand| demand.is_met).collect();
        assert_eq!(measured, [Some(true), Some(false)]);
        assert!(report.render().contains("session's token"));
    }
}
