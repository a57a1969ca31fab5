//! `check modules`: finds circles of imports between the files of a crate.
//!
//! A file imports another file if one of its paths leads to an item defined there. A path through a re-export leads to
//! the definition; a re-export imports the definition too. A bare `mod` is no import. Test modules, macro arguments and
//! generated code are left out.

#![expect(clippy::indexing_slicing, reason = "the indices come from the indexed tables")]

mod circles;
mod resolve;
mod tree;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Fails if a crate of the workspace has a circle, and lists the imports of each.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut circles = Vec::new();
    let mut files = 0;
    for root in roots(workspace)? {
        let krate = tree::Crate::read(&root)?;
        files += krate.files.len();
        circles.extend(circles::find(&krate, &resolve::imports(&krate)));
    }
    if circles.is_empty() {
        println!("no circle of imports in {files} files");
        return Ok(());
    }
    let count = circles.len();
    let texts: Vec<String> =
        circles.iter().map(|circle| circle.describe(workspace.root())).collect();
    bail!("{count} circles of imports\n\n{}", texts.join("\n"));
}

/// Returns the root files of all libraries and programs.
fn roots(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let metadata = workspace.metadata()?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let targets = packages.iter().filter_map(|package| package.get("targets")?.as_array());
    let is_production = |target: &&Value| {
        let kinds = target.get("kind").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "bin"))
    };
    let paths = targets
        .flatten()
        .filter(is_production)
        .filter_map(|target| Some(PathBuf::from(target.get("src_path")?.as_str()?)));
    Ok(paths.collect())
}

#[cfg(test)]
mod tests;
