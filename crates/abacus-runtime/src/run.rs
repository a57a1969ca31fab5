//! Run of a process from start to exit: arguments, configuration, start, wait, ordered stop, exit
//! code.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use tracing::{error, info, warn};

use crate::config::{Config as _, ServiceConfig, ShutdownConfig};
use crate::environment::{ConfigProblems, Effective, Environment, SettingDoc};
use crate::runtime::Runtime;
use crate::watchdog::Watchdog;
use crate::{admin, logging, metrics};

/// Exit code for wrong arguments or a wrong configuration; a restart does not help.
const USAGE_ERROR: u8 = 2;

metrics! {
    /// Metrics of every process.
    struct ProcessMetrics {
        /// Always 1, with the name and the version of the service as labels.
        build_info: IntGaugeVec = "abacus_runtime_build_info", labels ["service", "version"];
        /// Start time of the process, in seconds since the Unix epoch.
        start_time: Gauge = "abacus_runtime_start_time_seconds";
    }
}

/// Runs a service from `main` to its exit code.
///
/// Reads the configuration, sets up logs, opens the admin server and calls `start`. `start` wires
/// the service, spawns the tasks and returns. Then `run` waits for SIGTERM, SIGINT or the failure
/// of a task, and stops the tasks in reverse order.
///
/// - `0`: stopped cleanly after a signal.
/// - `1`: `start` or a task failed, a task exceeded its budget, the hard deadline passed, or a
///   second signal arrived.
/// - `2`: wrong arguments or configuration; standard error lists every problem.
///
/// `--help` prints every setting, `--version` the version.
pub fn run<C, F, Fut>(service: &'static str, version: &'static str, start: F) -> ExitCode
where
    C: ServiceConfig,
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    match Request::from_arguments(std::env::args().skip(1)) {
        Request::Serve => serve(Process { service, version }, start),
        Request::Help => print(&help(service, version, &settings::<C>())),
        Request::Version => print(&format!("{service} {version}\n")),
        Request::Unknown(argument) => usage_error(&format!(
            "{service}: unexpected argument `{argument}`; settings are environment variables, \
             see --help"
        )),
    }
}

/// All settings of a service and of the runtime, in the order of reading.
pub fn settings<C: ServiceConfig>() -> Vec<SettingDoc> {
    let mut env = Environment::from_pairs::<&str, &str>([]);
    let _ = (C::read(&mut env), ShutdownConfig::read(&mut env));
    env.settings().to_vec()
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Serve,
    Help,
    Version,
    Unknown(String),
}

impl Request {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Self {
        match arguments.next().as_deref() {
            None => Self::Serve,
            Some("--help" | "-h") => Self::Help,
            Some("--version" | "-V") => Self::Version,
            Some(other) => Self::Unknown(other.to_owned()),
        }
    }
}

#[derive(Clone, Copy)]
struct Process {
    service: &'static str,
    version: &'static str,
}

struct Settings<C> {
    service: C,
    shutdown: ShutdownConfig,
    effective: Effective,
}

impl<C: ServiceConfig> Settings<C> {
    fn read(mut env: Environment) -> Result<Self, ConfigProblems> {
        let service = C::read(&mut env);
        let shutdown = ShutdownConfig::read(&mut env);
        Ok(Self { service, shutdown, effective: env.finish()? })
    }
}

fn serve<C, F, Fut>(process: Process, start: F) -> ExitCode
where
    C: ServiceConfig,
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let settings = match Settings::<C>::read(Environment::from_process()) {
        Ok(settings) => settings,
        Err(problems) => return usage_error(&format!("{}: {problems}", process.service)),
    };
    if let Err(error) = logging::initialise(process.service, settings.service.log()) {
        return usage_error(&format!("{}: could not set up logs: {error:#}", process.service));
    }
    let tokio = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(tokio) => tokio,
        Err(error) => {
            error!(%error, "could not start tokio");
            return ExitCode::FAILURE;
        }
    };
    let process = AssertUnwindSafe(|| tokio.block_on(run_process(process, settings, start)));
    // The panic hook has logged the panic.
    let code = catch_unwind(process).unwrap_or(ExitCode::FAILURE);
    // A blocking call that hangs must not delay the exit.
    tokio.shutdown_background();
    code
}

async fn run_process<C, F, Fut>(process: Process, settings: Settings<C>, start: F) -> ExitCode
where
    C: ServiceConfig,
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    info!(version = process.version, settings = %settings.effective, "starting");
    let runtime = Runtime::new();
    let shutdown = settings.shutdown.clone();
    let watchdog = match Watchdog::start(runtime.shutting_down(), shutdown.timeout) {
        Ok(watchdog) => watchdog,
        Err(error) => {
            error!(%error, "could not set up signals");
            return ExitCode::FAILURE;
        }
    };
    let started = start_service(process, settings, runtime.clone(), start).await;
    match &started {
        Ok(()) => wait_for_shutdown(&runtime, &watchdog, &shutdown).await,
        Err(error) => error!(error = format!("{error:#}"), "start failed"),
    }
    let failures = runtime.stop().await;
    if started.is_ok() && failures.is_empty() {
        info!("stopped");
        ExitCode::SUCCESS
    } else {
        error!(failures = failures.len(), "stopped after a failure");
        ExitCode::FAILURE
    }
}

/// Starts the service. Returns early when a shutdown is requested meanwhile.
async fn start_service<C, F, Fut>(
    process: Process,
    settings: Settings<C>,
    runtime: Runtime,
    start: F,
) -> anyhow::Result<()>
where
    C: ServiceConfig,
    F: FnOnce(C, Runtime) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let stopping = runtime.shutting_down();
    describe_process(process, &runtime)?;
    let startup = runtime.readiness("startup");
    admin::open(settings.service.admin(), &runtime)?;
    tokio::select! {
        biased;
        () = stopping.requested() => return Ok(()),
        result = start(settings.service, runtime.clone()) => result?,
    }
    startup.ready();
    Ok(())
}

fn describe_process(process: Process, runtime: &Runtime) -> anyhow::Result<()> {
    let metrics = ProcessMetrics::register(runtime.metrics())?;
    metrics.build_info.with_label_values(&[process.service, process.version]).set(1);
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    metrics.start_time.set(since_epoch.as_secs_f64());
    Ok(())
}

/// Waits until a shutdown is requested, and then for the grace period. During the grace period load
/// balancers notice the failed readiness.
async fn wait_for_shutdown(runtime: &Runtime, watchdog: &Watchdog, shutdown: &ShutdownConfig) {
    let needed = shutdown.grace + runtime.total_budget();
    if needed > shutdown.timeout {
        let deadline = shutdown.timeout;
        warn!(
            ?needed,
            ?deadline,
            "ABACUS_SHUTDOWN_TIMEOUT is shorter than the budgets of the tasks"
        );
    }
    runtime.shutting_down().requested().await;
    info!(signal = watchdog.signal(), "shutdown requested");
    tokio::time::sleep(shutdown.grace).await;
}

fn help(service: &str, version: &str, settings: &[SettingDoc]) -> String {
    let mut text = format!(
        "{service} {version}\n\nUsage: {service} [--help | --version]\n\n\
         Settings are environment variables; a secret may also be in the file that <NAME>_FILE \
         names.\n\n"
    );
    let rows = settings.iter().map(|setting| (setting.name, shown_default(setting)));
    let names = column(rows.clone().map(|(name, _)| name), "VARIABLE");
    let defaults = column(rows.clone().map(|(_, default)| default), "DEFAULT");
    let meanings = settings.iter().map(|setting| setting.meaning);
    let header = std::iter::once((("VARIABLE", "DEFAULT"), "MEANING"));
    for ((name, default), meaning) in header.chain(rows.zip(meanings)) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:names$}  {default:defaults$}  {meaning}");
    }
    text
}

fn column<'a>(cells: impl Iterator<Item = &'a str>, title: &str) -> usize {
    cells.map(|cell| cell.chars().count()).fold(title.len(), usize::max)
}

fn shown_default(setting: &SettingDoc) -> &'static str {
    match setting.default {
        None => "(not set)",
        Some("") => "(empty)",
        Some(default) => default,
    }
}

#[expect(clippy::print_stdout, reason = "prints the answer to --help and --version")]
fn print(text: &str) -> ExitCode {
    print!("{text}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "logs are not set up yet")]
fn usage_error(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(USAGE_ERROR)
}

#[cfg(test)]
mod tests;
