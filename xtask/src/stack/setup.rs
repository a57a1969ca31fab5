//! Prerequisites of the servers: system packages, Java, Kafka and the registry.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::dist::Dist;
use crate::java;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Programs that the servers start with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) dist: Dist,
    pub(crate) java: PathBuf,
}

impl Setup {
    /// Installs all prerequisites of the servers.
    pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<Self> {
        packages::ensure(workspace, progress, &[Purpose::Servers])?;
        let dist = Dist::ensure(workspace, progress)?;
        let java = java::find()
            .with_context(|| format!("no Java {} or newer is installed", java::OLDEST))?;
        Ok(Self { dist, java })
    }
}
