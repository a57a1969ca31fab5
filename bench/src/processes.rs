//! Memory and CPU time of processes, read from `/proc`. Services are measured from outside.

use std::collections::BTreeMap;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// Unit of CPU times in `/proc`: a hundredth of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processes by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes(Vec<Process>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    name: String,
    pid: u32,
}

/// Memory of one process, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    pub(crate) process: String,
    /// Resident memory, with shared pages counted in full.
    pub(crate) rss: u64,
    /// Peak resident memory.
    pub(crate) peak: u64,
    /// Resident memory, with shared pages divided among the sharing processes. `None` if the kernel
    /// does not tell.
    pub(crate) pss: Option<u64>,
}

/// CPU time of each process since its start.
#[derive(Clone, Debug)]
pub(crate) struct CpuTimes(BTreeMap<String, Duration>);

impl Processes {
    pub(crate) fn cpu_times(&self) -> Result<CpuTimes> {
        let times = self.0.iter().map(|process| Ok((process.name.clone(), process.cpu_time()?)));
        times.collect::<Result<_>>().map(CpuTimes)
    }

    pub(crate) fn memory(&self) -> Result<Vec<Memory>> {
        self.0.iter().map(Process::memory).collect()
    }
}

impl FromStr for Processes {
    type Err = String;

    /// Parses `ingress=123,processor=456`.
    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs.map(Process::from_str).collect::<Result<_, _>>().map(Self)
    }
}

impl CpuTimes {
    /// CPU time of each process since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> BTreeMap<String, Duration> {
        let spent = self.0.iter().filter_map(|(name, now)| {
            let before = earlier.0.get(name)?;
            Some((name.clone(), now.saturating_sub(*before)))
        });
        spent.collect()
    }
}

impl FromStr for Process {
    type Err = String;

    fn from_str(pair: &str) -> Result<Self, String> {
        let parts = pair.split_once('=').and_then(|(name, pid)| Some((name, pid.parse().ok()?)));
        let (name, pid) = parts.ok_or_else(|| format!("{pair:?} is not of the form name=pid"))?;
        Ok(Self { name: name.to_owned(), pid })
    }
}

impl Process {
    fn cpu_time(&self) -> Result<Duration> {
        let ticks = cpu_ticks(&self.read("stat")?);
        let ticks = ticks.with_context(|| format!("no CPU time in /proc/{}/stat", self.pid))?;
        Ok(TICK * ticks)
    }

    fn memory(&self) -> Result<Memory> {
        let status = self.read("status")?;
        let field = |name| {
            bytes(&status, name).with_context(|| format!("no {name} in /proc/{}/status", self.pid))
        };
        Ok(Memory {
            process: self.name.clone(),
            rss: field("VmRSS:")?,
            peak: field("VmHWM:")?,
            pss: self.read("smaps_rollup").ok().and_then(|rollup| bytes(&rollup, "Pss:")),
        })
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.pid);
        fs::read_to_string(&path).with_context(|| format!("{} does not run ({path})", self.name))
    }
}

/// Adds user and system time of a line of `/proc/PID/stat`: fields 14 and 15 of proc(5). The name
/// in field 2 may contain anything, so fields are counted from its last parenthesis.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Reads a line such as `VmRSS:   1234 kB`.
fn bytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_named_by_pairs() {
        let processes: Processes = "ingress=12, processor-2=7".parse().unwrap();
        let expected =
            [("ingress", 12), ("processor-2", 7)].map(|(name, pid)| (name.to_owned(), pid));
        assert_eq!(processes.0.into_iter().map(|p| (p.name, p.pid)).collect::<Vec<_>>(), expected);
        assert!("".parse::<Processes>().unwrap().0.is_empty());
        assert!("ingress".parse::<Processes>().is_err());
        assert!("ingress=x".parse::<Processes>().is_err());
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_no_cpu_time() {
        let stat = "42 (a (b) c) S 1 2 3 0 -1 4 5 6 7 8 30 12 0 0 20 0 9 0 77";
        assert_eq!(cpu_ticks(stat), Some(42));
    }

    #[test]
    fn this_process_uses_memory() {
        let process = Process { name: "me".to_owned(), pid: std::process::id() };
        let memory = process.memory().unwrap();
        assert!(memory.rss > 0 && memory.peak >= memory.rss, "{memory:?}");
        process.cpu_time().unwrap();
    }

    #[test]
    fn a_process_that_is_gone_is_an_error_with_its_name() {
        let gone = Process { name: "ingress".to_owned(), pid: u32::MAX };
        assert!(gone.memory().unwrap_err().to_string().contains("ingress does not run"));
    }
}
