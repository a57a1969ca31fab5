//! State of a stack between two runs of xtask.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::ports::Ports;

const FILE: &str = "state.json";

/// Content of a stack's `state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) provider: Provider,
    pub(crate) mode: Mode,
    pub(crate) processors: u16,
    pub(crate) ingresses: u16,
    /// True if anonymous callers may compute.
    pub(crate) anonymous: bool,
    pub(crate) ports: Ports,
    /// Data folder of Postgres, once the cluster exists.
    pub(crate) postgres_home: Option<PathBuf>,
}

/// Provider of the parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    /// Processes on this machine.
    #[default]
    Native,
    /// Containers of docker-compose.yml.
    Docker,
}

/// Durability of a stack's data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Data survives a crash; the speed is realistic.
    #[default]
    Lasting,
    /// Data is for a single run of the tests: Postgres does not wait for the disk.
    Throwaway,
}

impl Mode {
    /// Returns the heap size of Kafka, in the notation of `-Xmx`.
    pub(crate) fn kafka_heap(self) -> &'static str {
        match self {
            Self::Lasting => "768m",
            Self::Throwaway => "512m",
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            mode: Mode::default(),
            processors: 1,
            ingresses: 1,
            anonymous: false,
            ports: Ports::default(),
            postgres_home: None,
        }
    }
}

impl State {
    /// Reads the state in `folder`. Returns the default state for a new stack.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is not readable; delete the file to start with a new state",
                    file.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Replaces the state in `folder` atomically: a crash leaves the old or the new state.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let next = folder.join("state.json.next");
        fs::write(&next, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&next, folder.join(FILE)).context("cannot write the state of the stack")
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;
    use crate::ports::Holder;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = std::env::temp_dir().join(format!("abacus-xtask-state-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(State::read(&folder).unwrap(), State::default());
        let mut state = State { processors: 3, mode: Mode::Throwaway, ..State::default() };
        state.ports.claim("kafka", 29_092, Holder::Stopped, |_| true).unwrap();
        state.write(&folder).unwrap();
        assert_eq!(State::read(&folder).unwrap(), state);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_state_of_an_older_xtask_gets_the_defaults_of_what_it_lacks() {
        let state: State = serde_json::from_str("{\"processors\": 2}").unwrap();
        assert_eq!(state, State { processors: 2, ..State::default() });
    }
}
