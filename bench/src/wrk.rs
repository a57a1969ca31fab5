//! HTTP load by the load generator `wrk`. Each connection sends the next request as soon as the
//! previous one is answered.
//!
//! `wrk` counts answers with a status of 400 and above, and failed connections. Scripts could check
//! every answer, but their CPU time would be missing in the system under test. Therefore
//! [`crate::probe`] checks answers between the loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::latency::Percentiles;
use crate::load::Load;
use crate::measurement::Outcome;

const REPORT: &str = include_str!("../wrk/report.lua");
const UNIQUE: &str = include_str!("../wrk/unique.lua");
const CACHED: &str = include_str!("../wrk/cached.lua");

/// Start of the line written by the report script.
const MARK: &str = "abacus-bench: ";

/// Number of connections that one thread of `wrk` serves with ease. Fewer threads leave more CPU
/// time to the system.
const CONNECTIONS_A_THREAD: u32 = 128;

/// `wrk` and the scripts for a system.
pub(crate) struct Wrk {
    url: String,
    token: Option<String>,
    scripts: Arc<Scripts>,
}

/// The scripts as files. Dropping this deletes them.
struct Scripts {
    folder: PathBuf,
}

/// The line of the report script.
#[derive(Debug, Deserialize)]
struct Summary {
    micros: u64,
    requests: u64,
    p50_micros: u64,
    p99_micros: u64,
    errors: Errors,
}

#[derive(Debug, Deserialize)]
struct Errors {
    connect: u64,
    read: u64,
    write: u64,
    timeout: u64,
    status: u64,
}

impl Wrk {
    /// Anonymous load for the system at `url`.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let scripts = Scripts::write().context("cannot write the scripts of wrk")?;
        Ok(Self { url, token: None, scripts: Arc::new(scripts) })
    }

    /// Load from the owner of `token`.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        let (url, scripts) = (self.url.clone(), Arc::clone(&self.scripts));
        Self { url, scripts, token: token.map(str::to_owned) }
    }

    /// Runs `load` over `connections` connections. `time` is cut to whole seconds.
    pub(crate) fn run(&self, load: Load, connections: u32, time: Duration) -> Result<Outcome> {
        let threads = connections.div_ceil(CONNECTIONS_A_THREAD);
        let mut wrk = Command::new("wrk");
        wrk.arg(format!("--threads={threads}"))
            .arg(format!("--connections={connections}"))
            .arg(format!("--duration={}s", time.as_secs()))
            .arg("--timeout=10s")
            .arg("--script")
            .arg(self.scripts.path(load));
        if let Some(token) = &self.token {
            wrk.arg(format!("--header=Authorization: Bearer {token}"));
        }
        wrk.arg(&self.url).args([fresh_base()?.to_string(), threads.to_string()]);
        let output = wrk.output().context("cannot start wrk (Debian package `wrk`)")?;
        let summary = summary(&output)?;
        report_errors(load, &summary.errors);
        Ok(summary.into())
    }
}

/// A base above all bases of earlier runs. A run counts up from its start in microseconds, and no
/// system answers a million requests per second.
fn fresh_base() -> Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())
}

fn summary(output: &Output) -> Result<Summary> {
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "wrk failed ({}): {said}{complaint}", output.status);
    let line = said.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.with_context(|| format!("wrk has no summary: {said}{complaint}"))?;
    serde_json::from_str(line).with_context(|| format!("wrk's summary: {line}"))
}

fn report_errors(load: Load, errors: &Errors) {
    if errors.total() > 0 {
        eprintln!("  {load}: {errors:?}");
    }
}

impl Errors {
    fn total(&self) -> u64 {
        self.connect + self.read + self.write + self.timeout + self.status
    }
}

impl From<Summary> for Outcome {
    fn from(summary: Summary) -> Self {
        let seen = Percentiles {
            p50: Duration::from_micros(summary.p50_micros),
            p99: Duration::from_micros(summary.p99_micros),
        };
        let took = Duration::from_micros(summary.micros);
        Self::new(summary.requests, summary.errors.total(), took, seen)
    }
}

impl Scripts {
    fn write() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("abacus-bench-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let scripts = Self { folder };
        for (load, text) in [(Load::Unique, UNIQUE), (Load::Cached, CACHED)] {
            fs::write(scripts.path(load), [REPORT, text].concat())?;
        }
        Ok(scripts)
    }

    fn path(&self, load: Load) -> PathBuf {
        Path::new(&self.folder).join(load.name()).with_extension("lua")
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        // A folder left among temporary files does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn said(text: &str) -> Output {
        Output { status: ExitStatus::from_raw(0), stdout: text.into(), stderr: Vec::new() }
    }

    #[test]
    fn the_summary_is_found_among_what_wrk_prints() {
        let text = "Running 1s test @ http://x\n  1 threads and 1 connections\n\
            abacus-bench: {\"micros\":2000000,\"requests\":500,\"p50_micros\":1500,\
            \"p99_micros\":9000,\"errors\":{\"connect\":0,\"read\":1,\"write\":0,\"timeout\":0,\
            \"status\":2}}\n";
        let outcome = Outcome::from(summary(&said(text)).unwrap());
        assert_eq!((outcome.requests, outcome.errors), (500, 3));
        assert!((outcome.throughput - 250.0).abs() < 1e-9);
        assert!((outcome.p50_ms - 1.5).abs() < 1e-9);
    }

    #[test]
    fn output_without_a_summary_is_an_error_that_shows_it() {
        let error = summary(&said("unable to connect")).unwrap_err();
        assert!(error.to_string().contains("unable to connect"));
    }
}
