//! Paths of the checkout, and of the ignored folder for files made by xtask.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The checkout of this xtask.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A build profile of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Optimised, as measured and deployed.
    Release,
    /// Quick to compile; for tests and for working on the services.
    Dev,
}

impl Profile {
    /// Returns the name of Cargo's folder for the binaries of this profile.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    /// Returns the name for Cargo's `--profile`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

impl Workspace {
    /// Finds the checkout: Cargo's current workspace, else the place of compilation.
    pub(crate) fn discover() -> Result<Self> {
        let xtask = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = xtask.parent().context("xtask is not inside a workspace")?.to_path_buf();
        if !root.join("Cargo.toml").is_file() {
            bail!("{} holds no Cargo.toml; run `cargo xtask` inside the checkout", root.display());
        }
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the ignored folder: stacks, downloaded distributions, tools.
    pub(crate) fn local(&self) -> PathBuf {
        self.root.join(".abacus")
    }

    /// Returns the folder of the files for the native stack.
    pub(crate) fn stack_files(&self) -> PathBuf {
        self.root.join("xtask").join("stack")
    }

    /// Returns a Cargo command for the whole workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }

    /// Returns the description of the workspace by Cargo, without dependencies.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let output = self
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Returns the folder with the binaries of `profile`. Cargo settings of the user may move it.
    pub(crate) fn binaries(&self, profile: Profile) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let target = metadata
            .get("target_directory")
            .and_then(Value::as_str)
            .context("cargo metadata names no target directory")?;
        Ok(Path::new(target).join(profile.folder()))
    }
}
