//! The order of a run: rounds of all loads, so noise of the machine hits all alike.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::cli::Options;
use crate::floor::Floor;
use crate::load::Load;
use crate::measurement::{Measurement, Outcome, count};
use crate::probe;
use crate::processes::Processes;
use crate::report::Report;
use crate::wrk::Wrk;

/// Length of the uncounted start, in which the broker compiles its hot paths and clients open
/// connections.
const WARM_UP: Duration = Duration::from_secs(5);

/// Bounds of a system at rest. After a load, the system still writes events and rows. It is at rest
/// if its processes use, over a window, at most a tenth of a core more than before the first load.
const REST_WINDOW: Duration = Duration::from_millis(500);
const REST_CPU: Duration = Duration::from_millis(50);
const REST_PATIENCE: Duration = Duration::from_secs(30);

/// Measures everything requested by `options`.
pub(crate) async fn run(bootstrap: &str, options: &Options) -> Result<Report> {
    let system = if options.floor_only {
        None
    } else {
        Some(System::open(&options.url, options.token.as_deref()).await?)
    };
    let floor = Floor::start(bootstrap).await.context("the floor")?;
    let mut bench = Bench { floor, system, processes: &options.pids, idle: Duration::ZERO };
    let measured = bench.rounds(options).await;
    let stopped = bench.floor.stop().await.context("the floor");
    let measured = measured?;
    stopped?;
    Ok(Report::new(measured, options.pids.memory()?))
}

/// The running system, with verified answers.
struct System {
    url: String,
    token: Option<String>,
    wrk: Wrk,
}

struct Bench<'a> {
    floor: Floor,
    system: Option<System>,
    processes: &'a Processes,
    /// CPU time of the processes in a window without requests.
    idle: Duration,
}

impl System {
    async fn open(url: &str, token: Option<&str>) -> Result<Self> {
        probe::check(url, token).await?;
        let wrk = Wrk::new(url)?.with_token(token);
        Ok(Self { url: url.to_owned(), token: token.map(str::to_owned), wrk })
    }
}

impl Bench<'_> {
    async fn rounds(&mut self, options: &Options) -> Result<Vec<Measurement>> {
        self.idle = self.cpu_of_a_window().await?;
        self.warm_up(options)?;
        let mut measurements = Vec::new();
        for round in 1..=options.rounds {
            eprintln!("round {round} of {}", options.rounds);
            for &in_flight in &options.concurrency {
                for load in self.loads() {
                    self.rest().await?;
                    let measurement = self.measure(round, in_flight, load, options)?;
                    show(&measurement);
                    measurements.push(measurement);
                }
            }
            self.check_answers().await?;
        }
        self.rest().await?;
        Ok(measurements)
    }

    fn loads(&self) -> impl Iterator<Item = Load> + use<> {
        let has_system = self.system.is_some();
        Load::ALL.into_iter().filter(move |&load| has_system || load == Load::Floor)
    }

    fn warm_up(&mut self, options: &Options) -> Result<()> {
        eprintln!("warming up");
        let most = options.concurrency.iter().copied().max().unwrap_or(1);
        for load in self.loads() {
            let errors = self.run(load, most, WARM_UP)?.errors;
            ensure!(errors == 0, "{load}: {errors} requests failed before anything was measured");
        }
        Ok(())
    }

    fn measure(
        &mut self,
        round: u32,
        in_flight: u32,
        load: Load,
        options: &Options,
    ) -> Result<Measurement> {
        let before = self.processes.cpu_times()?;
        let outcome = self.run(load, in_flight, Duration::from_secs(options.seconds))?;
        let spent = self.processes.cpu_times()?.since(&before);
        let cpu_micros = a_request(&spent, outcome.requests);
        Ok(Measurement { round, in_flight, load, outcome, cpu_micros })
    }

    fn run(&mut self, load: Load, in_flight: u32, time: Duration) -> Result<Outcome> {
        let outcome = match (load, &self.system) {
            (Load::Floor, _) => self.floor.measure(in_flight, time),
            (_, Some(system)) => system.wrk.run(load, in_flight, time),
            (_, None) => bail!("no system to measure"),
        };
        outcome.with_context(|| format!("{load} at {in_flight} in flight"))
    }

    async fn check_answers(&self) -> Result<()> {
        match &self.system {
            Some(system) => probe::check(&system.url, system.token.as_deref()).await,
            None => Ok(()),
        }
    }

    /// Waits until the system has finished the work of earlier loads.
    async fn rest(&self) -> Result<()> {
        let deadline = Instant::now() + REST_PATIENCE;
        while Instant::now() < deadline {
            if self.cpu_of_a_window().await? <= self.idle + REST_CPU {
                return Ok(());
            }
        }
        eprintln!(
            "  the system is still busy after {REST_PATIENCE:?}; the next figure may be worse"
        );
        Ok(())
    }

    async fn cpu_of_a_window(&self) -> Result<Duration> {
        let before = self.processes.cpu_times()?;
        tokio::time::sleep(REST_WINDOW).await;
        Ok(self.processes.cpu_times()?.since(&before).values().sum())
    }
}

fn a_request(spent: &BTreeMap<String, Duration>, requests: u64) -> BTreeMap<String, f64> {
    let micros = |time: &Duration| time.as_secs_f64() * 1e6 / count(requests.max(1));
    spent.iter().map(|(name, time)| (name.clone(), micros(time))).collect()
}

fn show(measurement: &Measurement) {
    let Measurement { in_flight, load, outcome, .. } = measurement;
    eprintln!(
        "  {in_flight:>5} in flight  {load:<6}  {:>9.0}/s  p50 {:>8.2} ms  p99 {:>8.2} ms",
        outcome.throughput, outcome.p50_ms, outcome.p99_ms
    );
}
