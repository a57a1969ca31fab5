//! Folder of a stack: state, processes, data and lock.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::files::remove;
use crate::progress::Progress;
use crate::stack::credentials::{self, Credentials};
use crate::stack::name;
use crate::stack::state::{Mode, Provider, State};
use crate::supervisor::{Part, Start, Supervisor};
use crate::workspace::Workspace;

/// Order of stopping, by the start of a part's name: a part stops before the parts it depends on.
const STOP_ORDER: [&str; 8] =
    ["ingress", "processor", "projector", "registry", "redis", "limits", "postgres", "kafka"];

/// A stack. While a stack is open for change, no second xtask can change it.
#[derive(Debug)]
pub(crate) struct Stack {
    name: String,
    folder: PathBuf,
    files: PathBuf,
    pub(super) state: State,
    supervisor: Supervisor,
    /// Lock of a stack that is open for change.
    _lock: Option<File>,
}

impl Stack {
    /// Opens a stack for reading.
    pub(crate) fn peek(workspace: &Workspace, name: &str) -> Result<Self> {
        name::check(name)?;
        let folder = workspace.local().join(name);
        Ok(Self {
            name: name.to_owned(),
            state: State::read(&folder)?,
            supervisor: Supervisor::of(&folder),
            files: workspace.stack_files(),
            folder,
            _lock: None,
        })
    }

    /// Opens a stack for change.
    pub(crate) fn open(workspace: &Workspace, name: &str) -> Result<Self> {
        name::check(name)?;
        let folder = workspace.local().join(name);
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another `cargo xtask` is changing the stack `{name}`; wait for its end")
            }
            Err(TryLockError::Error(error)) => bail!(error),
        }
        Ok(Self { _lock: Some(lock), ..Self::peek(workspace, name)? })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    pub(crate) fn mode(&self) -> Mode {
        self.state.mode
    }

    pub(crate) fn set_mode(&mut self, mode: Mode) -> Result<()> {
        self.state.mode = mode;
        self.save()
    }

    pub(crate) fn provider(&self) -> Provider {
        self.state.provider
    }

    pub(crate) fn set_provider(&mut self, provider: Provider) -> Result<()> {
        self.state.provider = provider;
        self.save()
    }

    /// Returns the number of processors.
    pub(crate) fn processors(&self) -> u16 {
        self.state.processors
    }

    pub(crate) fn set_processors(&mut self, processors: u16) -> Result<()> {
        self.state.processors = processors;
        self.save()
    }

    /// Returns the number of ingresses.
    pub(crate) fn ingresses(&self) -> u16 {
        self.state.ingresses
    }

    pub(crate) fn set_ingresses(&mut self, ingresses: u16) -> Result<()> {
        self.state.ingresses = ingresses;
        self.save()
    }

    /// Allows or forbids computations for anonymous callers.
    pub(crate) fn set_anonymous(&mut self, anonymous: bool) -> Result<()> {
        self.state.anonymous = anonymous;
        self.save()
    }

    /// Signs the registered user in. Returns the token of the new session.
    pub(crate) fn sign_in(&self) -> Result<String> {
        self.credentials()?.user.sign_in(self.port("ingress")?)
    }

    /// Returns the credentials of the stack. Makes missing credentials.
    pub(crate) fn credentials(&self) -> Result<Credentials> {
        Credentials::ensure(&self.folder)
    }

    /// Returns the credentials for scripts; empty before the first start.
    pub(crate) fn credential_exports(&self) -> Result<Vec<(String, String)>> {
        Ok(Credentials::read(&self.folder)?
            .map(|credentials| credentials.exports())
            .unwrap_or_default())
    }

    /// Returns the file of the credentials.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        credentials::file_in(&self.folder)
    }

    /// Registers the accounts of [`Self::credentials`] at the ingress on `port`.
    pub(crate) fn register_accounts(&self, port: u16) -> Result<Credentials> {
        let mut credentials = self.credentials()?;
        credentials.register(&self.folder, port)?;
        Ok(credentials)
    }

    pub(super) fn postgres_home(&self) -> Option<&Path> {
        self.state.postgres_home.as_deref()
    }

    pub(super) fn set_postgres_home(&mut self, home: &Path) -> Result<()> {
        self.state.postgres_home = Some(home.to_path_buf());
        self.save()
    }

    pub(super) fn save(&self) -> Result<()> {
        self.state.write(&self.folder)
    }

    /// Returns the data folder of the part called `name`.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.folder.join("data").join(name)
    }

    /// Returns the folder with the files of the native stack, in the checkout.
    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    /// Starts all `parts` at once, then waits until each is healthy.
    pub(crate) fn start(&self, parts: &[Part], progress: &Progress) -> Result<()> {
        let mut starts = Vec::with_capacity(parts.len());
        for part in parts {
            starts.push(self.supervisor.start(part)?);
        }
        for (part, start) in parts.iter().zip(starts) {
            progress.step(&format!("start {}", part.name), |step| {
                self.supervisor.wait_until_healthy(part, step)?;
                let how = match start {
                    Start::AlreadyRunning => "already running, ",
                    Start::Started => "",
                    Start::Replaced => "restarted, ",
                };
                step.note(format!("{how}{}", part.address));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Stops every part, dependent parts first.
    pub(crate) fn stop(&self, progress: &Progress) -> Result<()> {
        let mut names = self.supervisor.started();
        names.sort_by_key(|name| stop_rank(name));
        for name in names {
            progress.step(&format!("stop {name}"), |step| {
                if !self.supervisor.stop(&name)? {
                    step.note("was not running");
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Deletes the data of a stopped stack. The logs stay for analysis.
    pub(crate) fn wipe_data(&mut self) -> Result<()> {
        if let Some(home) = self.state.postgres_home.take() {
            remove(&home)?;
            self.save()?;
        }
        // The data contains the registered accounts.
        remove(&self.credentials_file())?;
        remove(&self.folder.join("data"))
    }

    /// Deletes the data, logs and state of a stopped stack.
    pub(crate) fn wipe(&mut self) -> Result<()> {
        self.wipe_data()?;
        for part in ["logs", "pids", "state.json"] {
            remove(&self.folder.join(part))?;
        }
        self.state = State::default();
        Ok(())
    }
}

fn stop_rank(name: &str) -> usize {
    STOP_ORDER.iter().position(|part| name.starts_with(part)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stop_before_the_servers_they_use() {
        let mut names = ["kafka", "ingress-1", "postgres", "processor-2", "projector-1"];
        names.sort_by_key(|name| stop_rank(name));
        assert_eq!(names, ["ingress-1", "processor-2", "projector-1", "postgres", "kafka"]);
    }
}
