//! Supervisor of the parts of a stack: starts and stops processes. Running parts without changes
//! are left alone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::health::Health;
use crate::process::{Record, StopSignal};
use crate::progress::{Step, tail};
use crate::wait;

/// Number of printed log lines of a failed part.
const SHOWN_LINES: usize = 30;

/// A process of a stack, with launch and health check.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Address or URL for people and clients.
    pub(crate) address: String,
    pub(crate) launch: Launch,
    pub(crate) health: Health,
    /// Longest wait for the part to become healthy.
    pub(crate) start_timeout: Duration,
}

/// Launch of a process.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) folder: PathBuf,
    /// Content of the configuration files: a change of the files is a change of the part.
    pub(crate) configuration: String,
    pub(crate) stop: StopSignal,
}

impl Launch {
    /// Launches `program` in `folder` without arguments, stopped by SIGTERM.
    pub(crate) fn new(program: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: folder.to_path_buf(),
            configuration: String::new(),
            stop: StopSignal::Terminate,
        }
    }

    pub(crate) fn arguments(
        mut self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Hash of the program file, the arguments, the environment and the configuration.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.program.hash(&mut hasher);
        if let Ok(file) = fs::metadata(&self.program) {
            (file.len(), file.mtime(), file.mtime_nsec()).hash(&mut hasher);
        }
        self.arguments.hash(&mut hasher);
        self.environment.hash(&mut hasher);
        self.configuration.hash(&mut hasher);
        hasher.finish()
    }
}

/// Supervisor of the processes of a stack, by the records in the stack's folder.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor {
    pids: PathBuf,
    logs: PathBuf,
}

/// Outcome of starting a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    AlreadyRunning,
    Started,
    /// The part ran with another fingerprint, for example an older binary or different ports.
    Replaced,
}

impl Supervisor {
    /// Returns the supervisor of the stack in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { pids: folder.join("pids"), logs: folder.join("logs") }
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn record_file(&self, name: &str) -> PathBuf {
        self.pids.join(format!("{name}.json"))
    }

    /// Returns the record of a running part.
    pub(crate) fn running(&self, name: &str) -> Option<Record> {
        Record::read(&self.record_file(name)).filter(Record::is_alive)
    }

    /// Returns the names of all started parts, without the stopped parts. A part may have died.
    pub(crate) fn started(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(&self.pids) else { return Vec::new() };
        let mut names: Vec<String> = files
            .filter_map(Result::ok)
            .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
            .collect();
        names.sort();
        names
    }

    /// Starts `part`, or replaces the process of a changed part. Does not wait until the part is
    /// healthy.
    pub(crate) fn start(&self, part: &Part) -> Result<Start> {
        let fingerprint = part.launch.fingerprint();
        let start = match self.running(&part.name) {
            Some(record) if record.fingerprint == fingerprint => return Ok(Start::AlreadyRunning),
            Some(record) => {
                record.stop()?;
                Start::Replaced
            }
            None => Start::Started,
        };
        self.spawn(part, fingerprint)?;
        Ok(start)
    }

    fn spawn(&self, part: &Part, fingerprint: u64) -> Result<()> {
        let launch = &part.launch;
        let log = self.fresh_log(&part.name)?;
        let child = Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", launch.program.display()))?;
        fs::create_dir_all(&self.pids)?;
        Record::of(child.id(), fingerprint, launch.stop)
            .map_err(|error| self.with_log(&error, &part.name))?
            .write(&self.record_file(&part.name))
    }

    /// Makes an empty log. The log of the previous run becomes `.log.1`.
    fn fresh_log(&self, name: &str) -> Result<File> {
        fs::create_dir_all(&self.logs)?;
        let log = self.log(name);
        if log.exists() {
            fs::rename(&log, log.with_extension("log.1"))?;
        }
        File::create(&log).with_context(|| format!("cannot write {}", log.display()))
    }

    /// Waits until `part` is healthy. Shows the reasons of the part meanwhile.
    pub(crate) fn wait_until_healthy(&self, part: &Part, step: &Step) -> Result<()> {
        let mut reason = String::new();
        let healthy = wait::until(part.start_timeout, || {
            let Err(why) = part.health.check() else { return Ok(Some(())) };
            if self.running(&part.name).is_none() {
                let error = anyhow::anyhow!("{} ended during its start", part.name);
                return Err(self.with_log(&error, &part.name));
            }
            step.note(why.clone());
            reason = why;
            Ok(None)
        })?;
        if healthy.is_none() {
            let start_timeout = part.start_timeout.as_secs();
            let error =
                anyhow::anyhow!("{} is not up after {start_timeout} s: {reason}", part.name);
            return Err(self.with_log(&error, &part.name));
        }
        Ok(())
    }

    /// Stops the part called `name`. Returns true if the part ran.
    pub(crate) fn stop(&self, name: &str) -> Result<bool> {
        let running = self.running(name);
        if let Some(record) = &running {
            record.stop().with_context(|| format!("cannot stop {name}"))?;
        }
        match fs::remove_file(self.record_file(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => bail!(error),
            _ => Ok(running.is_some()),
        }
    }

    fn with_log(&self, error: &anyhow::Error, name: &str) -> anyhow::Error {
        let log = self.log(name);
        anyhow::anyhow!("{error}\n\nThe end of {}:\n{}", log.display(), tail(&log, SHOWN_LINES))
    }
}

#[cfg(test)]
mod tests {
    use std::process;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::progress::Progress;

    fn scratch() -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("abacus-xtask-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn part(folder: &Path, script: &str) -> Part {
        Part {
            name: "sleeper".to_owned(),
            address: String::new(),
            launch: Launch::new("sh", folder).arguments(["-c", script]),
            health: Health::Program { program: "true".into(), arguments: Vec::new() },
            start_timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn a_part_that_runs_is_left_alone_and_a_changed_one_replaced() {
        let folder = scratch();
        let supervisor = Supervisor::of(&folder);
        let sleeper = part(&folder, "sleep 60");
        assert_eq!(supervisor.start(&sleeper).unwrap(), Start::Started);
        assert_eq!(supervisor.start(&sleeper).unwrap(), Start::AlreadyRunning);
        assert_eq!(supervisor.start(&part(&folder, "sleep 61")).unwrap(), Start::Replaced);
        assert_eq!(supervisor.started(), ["sleeper"]);
        assert!(supervisor.stop("sleeper").unwrap());
        assert!(!supervisor.stop("sleeper").unwrap());
        assert!(supervisor.started().is_empty());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_part_that_ends_is_reported_with_its_log() {
        let folder = scratch();
        let supervisor = Supervisor::of(&folder);
        let mut failing = part(&folder, "echo out of luck; sleep 0.2; exit 1");
        failing.health = Health::Program { program: "false".into(), arguments: Vec::new() };
        supervisor.start(&failing).unwrap();
        let error = Progress::new()
            .step("start", |step| supervisor.wait_until_healthy(&failing, step))
            .unwrap_err();
        assert!(error.to_string().contains("out of luck"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
