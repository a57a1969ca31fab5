//! A service under test, as a real process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::metrics;
use crate::process::Process;
use crate::wait::{PATIENCE, wait_until};

/// Numbers of log lines kept, and shown after a failure.
const TAIL: usize = 2000;
const SHOWN: usize = 30;
/// Longest wait for the end of a service. A service ends its shutdown after 30 s.
const STOPPING: Duration = Duration::from_secs(40);

/// Program and settings of a service to start.
#[derive(Clone, Debug)]
pub struct ServiceSetup {
    program: String,
    settings: BTreeMap<String, String>,
}

/// A running service. Dropping this kills it, and prints the last log lines if the test fails.
#[derive(Debug)]
pub struct Service {
    program: String,
    process: Process,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<String>,
    listening: HashMap<String, SocketAddr>,
}

impl ServiceSetup {
    pub(crate) fn new(program: &str, settings: BTreeMap<String, String>) -> Self {
        Self { program: program.to_owned(), settings }
    }

    /// Changes a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Starts the service from the folder `binaries`, without waiting.
    pub(crate) fn spawn(&self, binaries: &Path) -> Service {
        let mut command = Process::command(binaries.join(&self.program));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ABACUS_") {
                command.env_remove(name);
            }
        }
        command.envs(&self.settings);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::spawn(&self.program, command);
        let log = Arc::new(Mutex::new(Log::default()));
        let child = process.child();
        follow(child.stdout.take().expect("piped"), &log);
        follow(child.stderr.take().expect("piped"), &log);
        Service { program: self.program.clone(), process, log }
    }
}

impl Service {
    /// Waits for the address of the server `http` or `admin`.
    #[track_caller]
    pub fn address(&mut self, server: &str) -> SocketAddr {
        let (process, log) = (&mut self.process, &self.log);
        wait_until(&format!("{}'s {server} address", self.program), PATIENCE, || {
            let found = log.lock().unwrap().listening.get(server).copied();
            match process.exit_status() {
                Some(status) => panic!("{} ended at start: {status}", self.program),
                None => found.ok_or_else(|| "not announced".to_owned()),
            }
        })
    }

    /// Waits until `/readyz` answers 200.
    #[track_caller]
    pub fn wait_ready(&mut self) {
        let admin = self.admin();
        wait_until(&format!("{} to be ready", self.program), PATIENCE, || {
            if let Some(status) = self.process.exit_status() {
                panic!("{} ended at start: {status}", self.program);
            }
            match admin.try_get("/readyz") {
                Ok(response) if response.status == 200 => Ok(()),
                Ok(response) => Err(response.body),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// Address of the public server.
    #[track_caller]
    pub fn http_address(&mut self) -> SocketAddr {
        self.address("http")
    }

    /// Resident memory, in bytes.
    #[track_caller]
    pub fn resident_bytes(&self) -> u64 {
        self.process.resident_bytes()
    }

    /// Largest resident memory since the start, in bytes.
    #[track_caller]
    pub fn peak_resident_bytes(&self) -> u64 {
        self.process.peak_resident_bytes()
    }

    /// A client of the public server.
    #[track_caller]
    pub fn http(&mut self) -> Client {
        Client::new(self.address("http"))
    }

    /// A client of the admin server.
    #[track_caller]
    pub fn admin(&mut self) -> Client {
        Client::new(self.address("admin"))
    }

    /// Sums the series `name` with `labels`. Panics without any such series, as services export
    /// every series from the start.
    #[track_caller]
    pub fn count(&mut self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let text = self.admin().get("/metrics").body;
        metrics::sum(&text, name, labels)
            .unwrap_or_else(|| panic!("{} exports no {name}{labels:?}:\n{text}", self.program))
    }

    /// Sums series like [`Service::count`]. Returns `None` if the service does not answer.
    pub fn try_count(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let address = self.log.lock().unwrap().listening.get("admin").copied()?;
        let text = Client::new(address).try_get("/metrics").ok()?.body;
        metrics::sum(&text, name, labels)
    }

    /// Number of a processor's assigned partitions of the requests. `None` if the service does not
    /// answer.
    pub fn assigned_partitions(&self) -> Option<u64> {
        self.try_count("abacus_stream_assigned_partitions", &[("stream", "main")])
    }

    /// Waits for a log line that contains `text`.
    #[track_caller]
    pub fn wait_logged(&self, text: &str) {
        wait_until(&format!("{} to log {text:?}", self.program), PATIENCE, || {
            let log = self.log.lock().unwrap();
            let is_there = log.lines.iter().any(|line| line.contains(text));
            is_there.then_some(()).ok_or_else(|| log.lines.back().cloned().unwrap_or_default())
        });
    }

    /// Returns whether one of the latest log lines contains `text`.
    pub fn has_logged(&self, text: &str) -> bool {
        self.log.lock().unwrap().lines.iter().any(|line| line.contains(text))
    }

    /// Returns the latest log lines, at most `count`.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.lines.iter().skip(log.lines.len().saturating_sub(count)).cloned().collect()
    }

    /// Sends SIGTERM and waits for exit code 0.
    #[track_caller]
    pub fn terminate(&mut self) {
        self.process.ask_to_stop();
        self.expect_clean_exit();
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        self.process.ask_to_stop();
    }

    /// Waits for exit code 0.
    #[track_caller]
    pub fn expect_clean_exit(&mut self) {
        let status = self.process.wait_for_exit(STOPPING);
        assert_eq!(status.code(), Some(0), "{} ended with {status}", self.program);
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends SIGSTOP and waits until the process is stopped.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Waits for the end of the process. Returns the exit code.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> Option<i32> {
        self.process.wait_for_exit(STOPPING).code()
    }

    /// Exit status, if the process has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.process.exit_status()
    }

    /// Returns whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.exit_status().is_none()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- the last lines of {} ---", self.program);
            let skipped = log.lines.len().saturating_sub(SHOWN);
            for line in log.lines.iter().skip(skipped) {
                eprintln!("{line}");
            }
        }
    }
}

fn follow(output: impl Read + Send + 'static, log: &Arc<Mutex<Log>>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.lock().unwrap().take(line);
        }
    });
}

impl Log {
    fn take(&mut self, line: String) {
        if let Some((server, address)) = listening(&line) {
            self.listening.insert(server, address);
        }
        if self.lines.len() == TAIL {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "listening" {
        return None;
    }
    let address = line["address"].as_str()?.parse().ok()?;
    Some((line["server"].as_str()?.to_owned(), address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_listener_gives_its_address() {
        let line = r#"{"message":"listening","server":"http","address":"127.0.0.1:4711"}"#;
        let address = ([127, 0, 0, 1], 4711).into();
        assert_eq!(listening(line), Some(("http".to_owned(), address)));
        assert_eq!(listening(r#"{"message":"starting"}"#), None);
        assert_eq!(listening("thread panicked"), None);
    }
}
