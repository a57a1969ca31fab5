//! Circles in the graph of imports: its strongly connected components (R. Tarjan, *Depth-first search and linear graph
//! algorithms*, 1972).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::resolve::Imports;
use super::tree::{Crate, FileId};

/// Files that import each other, with the imports that tie them.
pub(super) struct Circle {
    pub(super) files: usize,
    imports: Vec<(PathBuf, PathBuf, BTreeSet<String>)>,
}

impl Circle {
    /// Describes the circle, with paths relative to `root`.
    pub(super) fn describe(&self, root: &Path) -> String {
        let short = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        let mut text = format!("{} files import each other:\n", self.files);
        for (from, to, names) in &self.imports {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {} -> {}: {names}", short(from), short(to));
        }
        text
    }
}

/// Returns the circles of a crate.
pub(super) fn find(krate: &Crate, imports: &Imports) -> Vec<Circle> {
    let components = Search::run(krate.files.len(), imports);
    let circles = components.into_iter().filter(|files| files.len() > 1);
    circles.map(|files| circle(krate, imports, &files)).collect()
}

fn circle(krate: &Crate, imports: &Imports, files: &BTreeSet<FileId>) -> Circle {
    let inside =
        imports.iter().filter(|((from, to), _)| files.contains(from) && files.contains(to));
    let path = |file: FileId| krate.files[file].0.clone();
    let imports = inside.map(|((from, to), names)| (path(*from), path(*to), names.clone()));
    Circle { files: files.len(), imports: imports.collect() }
}

/// Tarjan's search.
struct Search<'a> {
    imports: &'a Imports,
    next: usize,
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    stack: Vec<FileId>,
    components: Vec<BTreeSet<FileId>>,
}

impl<'a> Search<'a> {
    fn run(files: usize, imports: &'a Imports) -> Vec<BTreeSet<FileId>> {
        let (index, low) = (vec![None; files], vec![0; files]);
        let mut search =
            Self { imports, next: 0, index, low, stack: Vec::new(), components: Vec::new() };
        for file in 0..files {
            if search.index[file].is_none() {
                search.visit(file);
            }
        }
        search.components
    }

    fn visit(&mut self, file: FileId) -> usize {
        let own = self.next;
        self.next += 1;
        self.index[file] = Some(own);
        self.low[file] = own;
        self.stack.push(file);
        let targets = self.imports.range((file, 0)..(file + 1, 0)).map(|((_, to), _)| *to);
        for target in targets.collect::<Vec<_>>() {
            let reached = match self.index[target] {
                None => self.visit(target),
                Some(index) if self.stack.contains(&target) => index,
                Some(_) => continue,
            };
            self.low[file] = self.low[file].min(reached);
        }
        if self.low[file] == own {
            let start = self.stack.iter().position(|other| *other == file).unwrap_or(0);
            self.components.push(self.stack.drain(start..).collect());
        }
        self.low[file]
    }
}
