//! What must be on the machine before servers can start.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::dist::Dist;
use crate::java;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::workspace::Workspace;

/// What the servers are started with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) dist: Dist,
    pub(crate) java: PathBuf,
}

impl Setup {
    /// Gets everything that the servers need onto the machine.
    pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<Self> {
        packages::ensure(workspace, progress, &[Purpose::Servers])?;
        let dist = Dist::ensure(workspace, progress)?;
        let java = java::find()
            .with_context(|| format!("no Java {} or newer is installed", java::OLDEST))?;
        Ok(Self { dist, java })
    }
}
