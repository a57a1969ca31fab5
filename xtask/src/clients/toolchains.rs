//! Toolchains of the clients: from the machine, or else from Python's registry, which has the binaries
//! of recent versions. Debian's versions are older than the clients require.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::programs;
use crate::progress::Progress;
use crate::python::Environment;
use crate::workspace::Workspace;

/// A toolchain, with its substitute for machines without a sufficient version.
pub(super) struct Toolchain {
    /// Programs that the toolchain consists of. The first program tells the version.
    programs: &'static [&'static str],
    version: &'static str,
    /// Oldest sufficient version: major and minor number.
    oldest: (u32, u32),
    substitute: Environment,
}

impl Toolchain {
    pub(super) const GO: Self = Self {
        programs: &["go"],
        version: "version",
        oldest: (1, 26),
        substitute: Environment {
            name: "go-toolchain",
            requirements: "go.txt",
            title: "install Go",
        },
    };

    pub(super) const NODE: Self = Self {
        programs: &["node", "npm"],
        version: "--version",
        oldest: (18, 0),
        substitute: Environment {
            name: "node-toolchain",
            requirements: "node.txt",
            title: "install Node.js",
        },
    };

    /// Returns the path of a program. Installs the toolchain if the machine lacks it.
    pub(super) fn program(
        &self,
        name: &str,
        workspace: &Workspace,
        progress: &Progress,
    ) -> Result<PathBuf> {
        if self.is_on_machine() {
            return programs::on_path(name).with_context(|| format!("{name} is not on the path"));
        }
        Ok(self.substitute.ensure(workspace, progress)?.join(name))
    }

    /// Returns a command that runs a program with the other programs of the toolchain on the path.
    pub(super) fn command(
        &self,
        name: &str,
        workspace: &Workspace,
        progress: &Progress,
    ) -> Result<Command> {
        let program = self.program(name, workspace, progress)?;
        let folder = program.parent().context("a program without a folder")?.to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(program);
        command.env("PATH", path);
        Ok(command)
    }

    fn is_on_machine(&self) -> bool {
        let Some(first) = self.programs.first().and_then(|name| programs::on_path(name)) else {
            return false;
        };
        let version = command::output(Command::new(first).arg(self.version)).ok();
        version.and_then(|text| parse(&text)).is_some_and(|version| version >= self.oldest)
            && self.programs.iter().all(|name| programs::on_path(name).is_some())
    }
}

/// Parses the numbers of the first version in a text: `go version go1.26.8 linux/amd64`, `v20.20.2`.
fn parse(text: &str) -> Option<(u32, u32)> {
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text.get(begin..)?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_of_a_text_is_read() {
        assert_eq!(parse("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(parse("v20.20.2"), Some((20, 20)));
        assert_eq!(parse("go: command not found"), None);
    }
}
