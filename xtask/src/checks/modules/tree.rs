//! The modules of a crate: their files, definitions and `use` declarations.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use proc_macro2::TokenTree;
use syn::{Attribute, Ident, Item, ItemMod, UseTree, Visibility};

/// Index of a module in [`Crate::modules`].
pub(super) type ModuleId = usize;
/// Index of a file in [`Crate::files`].
pub(super) type FileId = usize;

/// A crate.
#[derive(Default)]
pub(super) struct Crate {
    pub(super) files: Vec<(PathBuf, Rc<syn::File>)>,
    pub(super) modules: Vec<Module>,
}

/// A module; several inline modules may share a file.
pub(super) struct Module {
    pub(super) file: FileId,
    pub(super) parent: Option<ModuleId>,
    pub(super) children: HashMap<String, ModuleId>,
    /// Names of items defined here.
    pub(super) definitions: Vec<String>,
    pub(super) uses: Vec<Use>,
}

/// One leaf of a `use` declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Name in this module; `None` for a glob.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    pub(super) is_public: bool,
}

impl Crate {
    /// Reads the crate with this root file.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut krate = Self::default();
        let folder = root.parent().context("a file is in a folder")?.to_path_buf();
        krate.add_file(root, &folder, None)?;
        Ok(krate)
    }

    /// Adds the module in `path`; its children are in `folder`.
    fn add_file(
        &mut self,
        path: &Path,
        folder: &Path,
        parent: Option<ModuleId>,
    ) -> Result<ModuleId> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        let parsed = Rc::new(parsed);
        let file = self.files.len();
        self.files.push((path.to_path_buf(), Rc::clone(&parsed)));
        self.add_module(&parsed.items, file, folder, parent)
    }

    fn add_module(
        &mut self,
        items: &[Item],
        file: FileId,
        folder: &Path,
        parent: Option<ModuleId>,
    ) -> Result<ModuleId> {
        let id = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: HashMap::new(),
            definitions: Vec::new(),
            uses: Vec::new(),
        });
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(module) => self.add_child(module, id, folder)?,
                Item::Use(declaration) => {
                    let is_public = !matches!(declaration.vis, Visibility::Inherited);
                    flatten(
                        &declaration.tree,
                        &mut Vec::new(),
                        is_public,
                        &mut self.modules[id].uses,
                    );
                }
                // A macro may declare modules by their names.
                Item::Macro(call) if call.ident.is_none() => {
                    for name in names(call.mac.tokens.clone()) {
                        self.add_by_name(&name, id, folder)?;
                    }
                }
                item => self.modules[id].definitions.extend(defined(item)),
            }
        }
        Ok(id)
    }

    fn add_child(&mut self, module: &ItemMod, parent: ModuleId, folder: &Path) -> Result<()> {
        let name = module.ident.to_string();
        let Some((_, items)) = &module.content else {
            return self.add_by_name(&name, parent, folder);
        };
        let file = self.modules[parent].file;
        let child = self.add_module(items, file, &folder.join(&name), Some(parent))?;
        self.modules[parent].children.insert(name, child);
        Ok(())
    }

    /// Adds the child module in the file of this name, if the file exists.
    fn add_by_name(&mut self, name: &str, parent: ModuleId, folder: &Path) -> Result<()> {
        let (own, inside) = (folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs"));
        let Some(path) = [own, inside].into_iter().find(|path| path.is_file()) else {
            return Ok(());
        };
        if !self.modules[parent].children.contains_key(name) {
            let child = self.add_file(&path, &folder.join(name), Some(parent))?;
            self.modules[parent].children.insert(name.to_owned(), child);
        }
        Ok(())
    }
}

/// Whether an item belongs to tests.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
    })
}

/// Attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, is_public: bool, uses: &mut Vec<Use>) {
    let mut add = |name: Option<String>, path: Vec<String>| {
        uses.push(Use { name, path, is_public });
    };
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            flatten(&part.tree, path, is_public, uses);
            path.pop();
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, path, is_public, uses));
        }
        UseTree::Glob(_) => add(None, path.clone()),
        UseTree::Name(leaf) if leaf.ident == "self" => add(path.last().cloned(), path.clone()),
        UseTree::Name(leaf) => {
            let name = leaf.ident.to_string();
            add(Some(name.clone()), [path.as_slice(), &[name]].concat());
        }
        UseTree::Rename(leaf) => {
            let target = [path.as_slice(), &[leaf.ident.to_string()]].concat();
            add(Some(leaf.rename.to_string()), target);
        }
    }
}

/// Identifiers in the arguments of a macro.
fn names(tokens: proc_macro2::TokenStream) -> Vec<String> {
    let identifiers = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    identifiers.collect()
}
