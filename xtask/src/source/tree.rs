//! The tree of a crate's modules, read from its root file on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::paths::{Declared, Text};
use crate::failure::Outcome;

/// The modules of a crate. The first is its root; a parent stands before its children.
#[derive(Debug, Default)]
pub struct Tree {
    /// Every module that is compiled outside of tests.
    pub modules: Vec<Module>,
}

/// A module, with each text that a build may take for it.
#[derive(Debug)]
pub struct Module {
    /// Its name; empty for the root.
    pub name: String,
    /// The module that declares it; the root is its own parent.
    pub parent: usize,
    /// The modules that it declares, by name.
    pub children: BTreeMap<String, usize>,
    /// The file and the text; a module that is another file with another feature has two.
    pub texts: Vec<(String, Text)>,
}

/// The place of a text: its file, the folder of the modules that it declares, and the folder of `#[path]`.
struct Place {
    file: PathBuf,
    folder: PathBuf,
    beside: PathBuf,
}

impl Tree {
    /// Reads a crate from its root file; files are shown by their path from `base`.
    pub fn read(base: &Path, root: &Path) -> Outcome<Self> {
        let mut tree = Self::default();
        let id = tree.add("", 0);
        tree.file(base, id, root)?;
        Ok(tree)
    }

    /// True if the root file is a binary's.
    pub fn is_binary(&self) -> bool {
        let files = self.modules.first().map(|root| &root.texts);
        files.is_some_and(|texts| texts.iter().any(|(file, _)| file.ends_with("main.rs")))
    }

    /// The names of a module and of those around it, as in `crate::a::b`.
    pub fn path(&self, module: usize) -> String {
        let ways = self.way(module);
        ways.iter().skip(1).fold("crate".to_owned(), |path, id| format!("{path}::{}", self.modules[*id].name))
    }

    /// The modules from the root to this one.
    pub fn way(&self, module: usize) -> Vec<usize> {
        let mut way = vec![module];
        while let Some(&first) = way.last().filter(|id| **id != 0) {
            way.push(self.modules[first].parent);
        }
        way.reverse();
        way
    }

    fn add(&mut self, name: &str, parent: usize) -> usize {
        let id = self.modules.len();
        self.modules.push(Module { name: name.to_owned(), parent, children: BTreeMap::new(), texts: Vec::new() });
        if id != parent {
            self.modules[parent].children.insert(name.to_owned(), id);
        }
        id
    }

    fn file(&mut self, base: &Path, id: usize, file: &Path) -> Outcome {
        let shown = file.strip_prefix(base).unwrap_or(file).display().to_string().replace('\\', "/");
        let text = fs::read_to_string(file)
            .map_err(|e| format!("{shown} cannot be read: {e}; a `mod` line names it, so `cargo check` says more"))?;
        let parsed = syn::parse_file(&text).map_err(|e| {
            let line = e.span().start().line;
            format!("{shown}:{line} is not Rust that syn can read: {e}; see whether `cargo check` reads it")
        })?;
        let folder = if id == 0 { file.with_file_name("") } else { module_folder(file) };
        let place = Place { file: file.to_owned(), folder, beside: file.with_file_name("") };
        self.text(base, id, &shown, &place, Text::read(&parsed.items))
    }

    fn text(&mut self, base: &Path, id: usize, shown: &str, place: &Place, mut text: Text) -> Outcome {
        for declared in std::mem::take(&mut text.modules) {
            let known = self.modules[id].children.get(&declared.name).copied();
            let child = known.unwrap_or_else(|| self.add(&declared.name, id));
            self.declared(base, child, shown, place, declared)?;
        }
        self.modules[id].texts.push((shown.to_owned(), text));
        Ok(())
    }

    fn declared(&mut self, base: &Path, child: usize, shown: &str, place: &Place, declared: Declared) -> Outcome {
        let folder = place.folder.join(&declared.name);
        if let Some(text) = declared.inline {
            let place = Place { file: place.file.clone(), beside: folder.clone(), folder };
            return self.text(base, child, shown, &place, text);
        }
        for file in &declared.files {
            self.file(base, child, &place.beside.join(file))?;
        }
        if !declared.by_name {
            return Ok(());
        }
        let flat = place.folder.join(format!("{}.rs", declared.name));
        let file = if flat.is_file() { flat } else { folder.join("mod.rs") };
        self.file(base, child, &file)
    }
}

/// The folder of the modules that a file declares.
pub fn module_folder(file: &Path) -> PathBuf {
    match file.file_name().and_then(|name| name.to_str()) {
        Some("lib.rs" | "main.rs" | "mod.rs") => file.with_file_name(""),
        _ => file.with_extension(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_lie_beside_a_root_and_below_a_plain_file() {
        assert_eq!(module_folder(Path::new("a/src/lib.rs")), Path::new("a/src/"));
        assert_eq!(module_folder(Path::new("a/src/b/mod.rs")), Path::new("a/src/b/"));
        assert_eq!(module_folder(Path::new("a/src/b.rs")), Path::new("a/src/b"));
    }
}
