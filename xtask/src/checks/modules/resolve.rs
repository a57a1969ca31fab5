//! Imports: paths, followed to the files of their definitions.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Path};

use super::tree::{Crate, FileId, ModuleId, attributes, is_test};

/// Re-exports that a path may pass before it counts as unknown.
const LONGEST_CHAIN: usize = 16;

/// Imported names, by importing and imported file.
pub(super) type Imports = BTreeMap<(FileId, FileId), BTreeSet<String>>;

/// Returns all imports of a crate.
pub(super) fn imports(krate: &Crate) -> Imports {
    let mut imports = Imports::new();
    for id in 0..krate.modules.len() {
        for declaration in &krate.modules[id].uses {
            note(krate, id, &declaration.path, &mut imports);
        }
    }
    // The root module of each file is the first of the file.
    let mut roots = BTreeMap::new();
    for (id, module) in krate.modules.iter().enumerate() {
        roots.entry(module.file).or_insert(id);
    }
    for (file, module) in roots {
        let mut visitor = Paths { krate, module, imports: &mut imports };
        visitor.visit_file(&krate.files[file].1);
    }
    imports
}

fn note(krate: &Crate, module: ModuleId, path: &[String], imports: &mut Imports) {
    if let Some(target) = definition(krate, module, path, 0)
        && target != krate.modules[module].file
    {
        let names = imports.entry((krate.modules[module].file, target)).or_default();
        names.extend(path.last().cloned());
    }
}

/// Returns the file that defines the item at `path`, as `module` sees the path.
fn definition(krate: &Crate, module: ModuleId, path: &[String], depth: usize) -> Option<FileId> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => below(krate, 0, rest, depth),
        "self" => below(krate, module, rest, depth),
        "super" => below(krate, krate.modules[module].parent?, rest, depth),
        _ => below(krate, module, path, depth),
    }
}

/// Returns the file that defines the item at `path` inside `module`.
fn below(krate: &Crate, module: ModuleId, path: &[String], depth: usize) -> Option<FileId> {
    if depth > LONGEST_CHAIN {
        return None;
    }
    let (first, rest) = path.split_first()?;
    let here = &krate.modules[module];
    if first == "super" {
        return below(krate, here.parent?, rest, depth);
    }
    if here.definitions.contains(first) {
        return Some(here.file);
    }
    if let Some(child) = here.children.get(first) {
        return below(krate, *child, rest, depth);
    }
    let named = here.uses.iter().find(|declaration| declaration.name.as_ref() == Some(first));
    if let Some(declaration) = named {
        let target = [declaration.path.as_slice(), rest].concat();
        // `use name;` of another crate would lead to itself.
        let is_other = target.first() != Some(first) || declaration.path.len() > 1;
        return if is_other { definition(krate, module, &target, depth + 1) } else { None };
    }
    let globs = here.uses.iter().filter(|declaration| declaration.name.is_none());
    globs.filter(|declaration| declaration.is_public).find_map(|declaration| {
        let target = [declaration.path.as_slice(), path].concat();
        definition(krate, module, &target, depth + 1)
    })
}

/// Visits the paths of a file, without test modules and inline modules.
struct Paths<'a> {
    krate: &'a Crate,
    module: ModuleId,
    imports: &'a mut Imports,
}

impl<'a> Visit<'a> for Paths<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        if is_test(attributes(item)) {
            return;
        }
        if let Item::Mod(inline) = item {
            let name = inline.ident.to_string();
            let child = self.krate.modules[self.module].children.get(&name);
            let (Some((_, items)), Some(child)) = (&inline.content, child) else { return };
            let mut inner =
                Paths { krate: self.krate, module: *child, imports: &mut *self.imports };
            for item in items {
                inner.visit_item(item);
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'a syn::ImplItem) {
        let is_for_tests = matches!(item, syn::ImplItem::Fn(method) if is_test(&method.attrs));
        if !is_for_tests {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, _: &'a ItemUse) {}

    fn visit_path(&mut self, path: &'a Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && path.leading_colon.is_none() {
            note(self.krate, self.module, &segments, self.imports);
        }
        visit::visit_path(self, path);
    }
}
