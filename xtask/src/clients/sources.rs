//! Sources of the clients: the files of `tests/clients`, and the schemas for generated code.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Folders made by builds beside the sources.
const BUILT: [&str; 2] = ["node_modules", "target"];

/// Source files with a fingerprint of their content.
pub(super) struct Sources {
    folder: PathBuf,
    files: Vec<PathBuf>,
    fingerprint: String,
}

impl Sources {
    /// Reads all sources.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.root().join("tests").join("clients");
        let mut files = Vec::new();
        list(&folder, &mut files)?;
        let mut hashed = files.clone();
        list(&workspace.root().join("schemas").join("avsc"), &mut hashed)?;
        let fingerprint = fingerprint(&hashed)?;
        Ok(Self { folder, files, fingerprint })
    }

    /// Returns the fingerprint. It also changes with the build itself.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Copies the files into `target`.
    pub(super) fn copy_into(&self, target: &Path) -> Result<()> {
        for file in &self.files {
            let copy = target.join(file.strip_prefix(&self.folder)?);
            if let Some(folder) = copy.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(file, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        }
        Ok(())
    }
}

fn fingerprint(files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    include_str!("../clients.rs").hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        fs::read(file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Adds the files under `folder`, in the order of their names.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let read = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut entries = read.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if !entry.is_dir() {
            files.push(entry);
        } else if !BUILT.iter().any(|built| entry.ends_with(built)) {
            list(&entry, files)?;
        }
    }
    Ok(())
}
