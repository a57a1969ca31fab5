//! Waits of callers while processors are killed.
//!
//! Callers ask at a steady rate over all partitions, regardless of the replies ([`Light`]). Meanwhile a
//! processor is killed and restarted at once, killed without a restart, or one after the other is killed
//! and restarted. Every request must be answered.

use std::panic;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::child::{Running, wait};
use crate::codecs::Codecs;
use crate::findings::{Demand, Findings, render_demands};
use crate::group::Group;
use crate::light::{Light, Waits};
use crate::measurement::median;
use crate::processor;
use crate::table;
use crate::topic_set::TopicSet;

const GROUP: &str = "bench-failover";
const PROCESSORS: u32 = 3;
/// A processor that restarts gets its partitions back at once.
const STATIC: (&str, &str) = ("ABACUS_KAFKA_STATIC_MEMBERSHIP", "true");
const PATIENCE: Duration = Duration::from_mins(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Number of uncounted requests at the start: connections open, and the broker compiles its hot paths.
const WARM_UP: u32 = 3_000;
/// Time from the first request of a measurement to the first kill.
const FIRST_KILL: Duration = Duration::from_secs(2);
/// Longest wait allowed, in seconds, if the killed processor restarts at once.
const RESTARTED_BOUND: f64 = 1.5;
/// Longest wait allowed, in seconds, if the other processors take over.
const REPLACED_BOUND: f64 = 4.0;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number of requests in a measurement
    #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Requests per second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Seconds between two kills of the measurement with several kills
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    interval: u64,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Number of partitions of the requests
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// Folder of the system's programs [default: the folder of this program]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON with every single round instead of tables
    #[arg(long)]
    json: bool,
}

/// The kills of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    Nothing,
    /// A processor is killed and restarted at once.
    Restarted,
    /// A processor is killed, and the others take over.
    Replaced,
    /// One processor after the other is killed and restarted at once.
    Repeated,
}

impl Fault {
    const ALL: [Self; 4] = [Self::Nothing, Self::Restarted, Self::Replaced, Self::Repeated];

    fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing killed",
            Self::Restarted => "killed and restarted",
            Self::Replaced => "killed, others take over",
            Self::Repeated => "one after the other",
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Measured {
    fault: Fault,
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
}

/// The findings of a run: medians over the rounds.
#[derive(Debug, Serialize)]
struct Report {
    waits: Vec<Measured>,
    demands: Vec<Demand>,
    rounds: Vec<Measured>,
}

/// Measures, prints the findings, and deletes the topics.
pub(crate) async fn run(bootstrap: &str, options: &Options) -> Result<()> {
    let set = TopicSet::create(bootstrap, options.binaries.as_deref(), options.partitions)?;
    let report = measure(&set, options).await;
    let deleted = set.delete().await;
    report?.print(options.json)?;
    deleted
}

async fn measure(set: &TopicSet, options: &Options) -> Result<Report> {
    let codecs = Codecs::look_up(&set.topics).await?;
    let mut processors = Processors::start(set)?;
    let mut light = Light::connect(set, &codecs, options.rate)?;
    eprintln!("warming up");
    light.measure(WARM_UP)?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}", options.rounds);
        for fault in Fault::ALL {
            let waits = measure_under(fault, &mut light, &mut processors, options);
            let waits = waits.with_context(|| format!("round {number}, {}", fault.title()))?;
            eprintln!("  {:<24}  longest wait {:>6.0} ms", fault.title(), waits.longest_ms);
            rounds.push(waits);
        }
    }
    processors.stop()?;
    Ok(Report::new(rounds))
}

fn measure_under(
    fault: Fault,
    light: &mut Light<'_>,
    processors: &mut Processors<'_>,
    options: &Options,
) -> Result<Measured> {
    let interval = Duration::from_secs(options.interval);
    let seen = thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        let victims = &mut *processors;
        let killing = scope.spawn(move || victims.kill(fault, interval, &ended));
        let measured = light.measure(options.requests);
        drop(end);
        let killed = killing.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        killed.and(measured)
    })?;
    processors.complete()?;
    Ok(Measured::new(fault, seen))
}

/// The processors of the run, by number.
struct Processors<'a> {
    set: &'a TopicSet,
    group: Group,
    running: Vec<Option<Running>>,
}

impl<'a> Processors<'a> {
    fn start(set: &'a TopicSet) -> Result<Self> {
        let group = Group::new(set, GROUP, &[&set.topics.requested])?;
        let mut this = Self { set, group, running: (0..PROCESSORS).map(|_| None).collect() };
        this.complete()?;
        Ok(this)
    }

    /// Kills as `fault` says, until the other end of `ended` is dropped.
    fn kill(&mut self, fault: Fault, interval: Duration, ended: &Receiver<()>) -> Result<()> {
        let is_over = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Disconnected);
        if fault == Fault::Nothing || is_over(FIRST_KILL) {
            return Ok(());
        }
        for victim in (0..self.running.len()).cycle() {
            if let Some(slot) = self.running.get_mut(victim) {
                drop(slot.take());
            }
            if fault != Fault::Replaced {
                self.start_missing()?;
            }
            if fault != Fault::Repeated || is_over(interval) {
                break;
            }
        }
        Ok(())
    }

    /// Starts missing processors, and waits until each has partitions.
    fn complete(&mut self) -> Result<()> {
        self.start_missing()?;
        let mut running: Vec<Running> = self.running.iter_mut().filter_map(Option::take).collect();
        let begun = wait(CHECK_INTERVAL, PATIENCE, &mut running, || {
            self.group.has_begun(PROCESSORS as usize)
        });
        self.running = running.into_iter().map(Some).collect();
        begun.context("the processors")
    }

    fn start_missing(&mut self) -> Result<()> {
        for (number, slot) in (1..).zip(&mut self.running).filter(|(_, slot)| slot.is_none()) {
            *slot = Some(processor::start(self.set, GROUP, number, &[STATIC])?);
        }
        Ok(())
    }

    fn stop(self) -> Result<()> {
        self.running.into_iter().flatten().try_for_each(Running::stop)
    }
}

impl Measured {
    fn new(fault: Fault, seen: Waits) -> Self {
        let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
        let Waits { percentiles, longest } = seen;
        Self {
            fault,
            p50_ms: ms(percentiles.p50),
            p99_ms: ms(percentiles.p99),
            longest_ms: ms(longest),
        }
    }
}

impl Report {
    fn new(rounds: Vec<Measured>) -> Self {
        let over = |fault, figure: &dyn Fn(&Measured) -> f64| {
            median(rounds.iter().filter(|waits| waits.fault == fault).map(figure))
        };
        let waits = Fault::ALL.map(|fault| Measured {
            fault,
            p50_ms: over(fault, &|waits| waits.p50_ms),
            p99_ms: over(fault, &|waits| waits.p99_ms),
            longest_ms: over(fault, &|waits| waits.longest_ms),
        });
        let demand = |what, bound, fault| {
            let measured = over(fault, &|waits| waits.longest_ms) / 1e3;
            Demand { what, bound, measured: Some(measured), is_met: Some(measured <= bound) }
        };
        let demands = vec![
            demand(
                "longest wait after a kill with a restart, in seconds, at most",
                RESTARTED_BOUND,
                Fault::Restarted,
            ),
            demand(
                "longest wait after a kill without a restart, in seconds, at most",
                REPLACED_BOUND,
                Fault::Replaced,
            ),
        ];
        Self { waits: waits.to_vec(), demands, rounds }
    }
}

impl Findings for Report {
    fn render(&self) -> String {
        let cells = self.waits.iter().map(|waits| {
            let figures = [waits.p50_ms, waits.p99_ms, waits.longest_ms];
            let figures = figures.map(|figure| format!("{figure:.1}"));
            [vec![waits.fault.title().to_owned()], figures.to_vec()].concat()
        });
        let titles = ["processors", "p50 ms", "p99 ms", "longest ms"];
        format!("\n{}\n{}", table::aligned(&titles, cells), render_demands(&self.demands))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Percentiles;

    #[test]
    fn each_longest_wait_is_held_against_its_bound() {
        let percentiles =
            Percentiles { p50: Duration::from_millis(1), p99: Duration::from_millis(2) };
        let seen = |ms| Waits { percentiles, longest: Duration::from_millis(ms) };
        let rounds = [(Fault::Nothing, 3), (Fault::Restarted, 1_400), (Fault::Replaced, 4_100)]
            .map(|(fault, ms)| Measured::new(fault, seen(ms)));
        let repeated = Measured::new(Fault::Repeated, seen(2_000));
        let report = Report::new([&rounds[..], &[repeated]].concat());
        let expected = "
              processors  p50 ms  p99 ms  longest ms
          nothing killed     1.0     2.0         3.0
    killed and restarted     1.0     2.0      1400.0
killed, others take over     1.0     2.0      4100.0
     one after the other     1.0     2.0      2000.0

met      longest wait after a kill with a restart, in seconds, at most 1.5: 1.40
NOT met  longest wait after a kill without a restart, in seconds, at most 4: 4.10
";
        assert_eq!(report.render(), expected);
    }
}
