//! The life of a process: arguments, configuration, start, wait, ordered stop, exit code.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use tracing::{error, info, warn};

use crate::config::{Config as _, ServiceConfig, ShutdownConfig};
use crate::environment::{ConfigProblems, Effective, Environment, SettingDoc};
use crate::runtime::Runtime;
use crate::watchdog::Watchdog;
use crate::{admin, logging, metrics};

/// Wrong arguments or a wrong configuration: starting again will not help.
const USAGE_ERROR: u8 = 2;

metrics! {
    /// What every process exports.
    struct ProcessMetrics {
        /// Always 1; the labels say which service in which version this is.
        build_info: IntGaugeVec = "abacus_runtime_build_info", labels ["service", "version"];
        /// When the process started, in seconds since the Unix epoch.
        start_time: Gauge = "abacus_runtime_start_time_seconds";
    }
}

/// Runs a service from `main` to its exit code.
///
/// Reads the configuration, sets up logs, opens the admin server and calls `start`, which wires the
/// service, spawns its tasks and returns. Then waits for SIGTERM, SIGINT or the failure of a task
/// and stops the tasks in reverse order.
///
/// - `0`: stopped cleanly after a signal.
/// - `1`: `start` or a task failed, a task overran its budget, the hard deadline passed or a second
///   signal came.
/// - `2`: wrong arguments or configuration; every problem is on standard error.
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

/// Every setting of a service, those of the runtime included, in the order of reading.
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
        return usage_error(&format!("{}: logs could not be set up: {error:#}", process.service));
    }
    let tokio = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(tokio) => tokio,
        Err(error) => {
            error!(%error, "tokio could not be started");
            return ExitCode::FAILURE;
        }
    };
    let process = AssertUnwindSafe(|| tokio.block_on(run_process(process, settings, start)));
    // The panic hook has logged why.
    let code = catch_unwind(process).unwrap_or(ExitCode::FAILURE);
    // Blocking calls that hang must not hold up an exit that is decided.
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
            error!(%error, "signals could not be set up");
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

/// Brings the service up, or gives up at once when a shutdown is requested meanwhile.
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
    admin::open(settings.service.admin(), &runtime).await?;
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

/// Waits until a shutdown is requested, and then until load balancers had time to see that
/// readiness is red.
async fn wait_for_shutdown(runtime: &Runtime, watchdog: &Watchdog, shutdown: &ShutdownConfig) {
    let needed = shutdown.grace + runtime.total_budget();
    if needed > shutdown.timeout {
        let deadline = shutdown.timeout;
        warn!(?needed, ?deadline, "ABACUS_SHUTDOWN_TIMEOUT is shorter than the tasks may need");
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

#[expect(clippy::print_stdout, reason = "the answer to --help and --version")]
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
