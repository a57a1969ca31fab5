//! Processes that outlive xtask. Records identify and stop a process later.
//!
//! A record holds the process id, the start time and the boot id of the machine. So a record from
//! before a crash never matches a later process with an equal process id.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::wait;

/// Longest wait for the end of a process after a signal.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Record of a started process, kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    /// Clock ticks from boot to the start of the process.
    started: u64,
    boot: String,
    /// Fingerprint of the launch. A changed fingerprint requires a restart.
    pub(crate) fingerprint: u64,
    stop: StopSignal,
}

/// Signal for an orderly end of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopSignal {
    Terminate,
    /// For Postgres: ends sessions and shuts down. SIGTERM would wait for the clients to
    /// disconnect.
    Interrupt,
}

impl Record {
    /// Makes the record of a process after its start.
    pub(crate) fn of(pid: u32, fingerprint: u64, stop: StopSignal) -> Result<Self> {
        let started =
            start_time(pid).with_context(|| format!("process {pid} ended immediately"))?;
        Ok(Self { pid, started, boot: boot_id(), fingerprint, stop })
    }

    /// Reads a record. Returns `None` for an unreadable file, for example after a crash.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_vec(self)?;
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Returns true if the process of this record still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.boot == boot_id() && start_time(self.pid) == Some(self.started)
    }

    /// Signals the process to end. Kills the process group after [`STOP_TIMEOUT`].
    pub(crate) fn stop(&self) -> Result<()> {
        let signal = match self.stop {
            StopSignal::Terminate => Signal::TERM,
            StopSignal::Interrupt => Signal::INT,
        };
        if self.ended_by(|pid| kill_process(pid, signal))? {
            return Ok(());
        }
        if self.ended_by(|pid| kill_process_group(pid, Signal::KILL))? {
            return Ok(());
        }
        bail!("process {} does not end, not even by SIGKILL", self.pid)
    }

    fn ended_by(&self, signal: impl Fn(Pid) -> rustix::io::Result<()>) -> Result<bool> {
        if !self.is_alive() {
            return Ok(true);
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("no process id")?;
        match signal(pid) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => bail!("cannot signal process {}: {error}", self.pid),
        }
        let ended = wait::until(STOP_TIMEOUT, || Ok((!self.is_alive()).then_some(())))?;
        Ok(ended.is_some())
    }

    /// Returns the resident memory of the process, in bytes.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

/// Returns the start time of a process, in clock ticks since boot; `None` for a missing process or
/// a zombie.
fn start_time(pid: u32) -> Option<u64> {
    parse_start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses field 22 of `/proc/<pid>/stat`, proc(5). The second field, a name in brackets, may
/// contain any character.
fn parse_start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{self, Command};

    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 10";
        assert_eq!(parse_start_time(stat), Some(98_765));
    }

    #[test]
    fn a_process_of_which_only_the_exit_status_is_left_does_not_run() {
        let stat = "42 (sh) Z 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 10";
        assert_eq!(parse_start_time(stat), None);
    }

    #[test]
    fn this_process_is_alive() {
        assert!(Record::of(process::id(), 0, StopSignal::Terminate).unwrap().is_alive());
    }

    #[test]
    fn a_record_does_not_stand_for_another_process_with_the_same_id() {
        let record = Record::of(process::id(), 0, StopSignal::Terminate).unwrap();
        assert!(!Record { started: record.started + 1, ..record.clone() }.is_alive());
        assert!(!Record { boot: "another boot".to_owned(), ..record }.is_alive());
    }

    #[test]
    fn a_file_that_a_crash_cut_short_is_no_record() {
        let file = std::env::temp_dir().join(format!("abacus-xtask-{}.pid", process::id()));
        fs::write(&file, "{\"pid\":12").unwrap();
        assert_eq!(Record::read(&file), None);
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_stopped_process_is_gone() {
        let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let record = Record::of(child.id(), 0, StopSignal::Terminate).unwrap();
        record.stop().unwrap();
        assert!(!record.is_alive());
        child.wait().unwrap();
    }
}
