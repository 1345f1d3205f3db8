//! From a path as it is written to the modules and the item that it means.

use super::tree::Tree;

/// A module, or an item of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The module.
    pub module: usize,
    /// The item, if the path names one of the module's own.
    pub item: Option<String>,
}

/// Deep enough for any chain of re-exports; a `use` that names itself ends here.
const DEEPEST: usize = 24;

impl Tree {
    /// Everything of this crate that a path names: each module on its way and what it ends at. A path into another crate
    /// names nothing.
    pub fn resolve(&self, from: usize, path: &[String]) -> Vec<Target> {
        let mut named = Vec::new();
        self.follow(from, path, 0, &mut named);
        named
    }

    /// Follows a path and says whether it lies in this crate.
    fn follow(&self, from: usize, path: &[String], depth: usize, named: &mut Vec<Target>) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut here = match first.as_str() {
            "crate" => Target { module: 0, item: None },
            "self" => Target { module: from, item: None },
            "super" => Target { module: self.modules[from].parent, item: None },
            name => self.lookup(from, name, depth, named)?,
        };
        while let Some((next, after)) = rest.split_first() {
            if here.item.is_some() {
                break; // a variant, a method or a constant of a type
            }
            here = match next.as_str() {
                "super" => Target { module: self.modules[here.module].parent, item: None },
                // Unknown names are those that macros declare: they belong to the module reached.
                name => {
                    self.lookup(here.module, name, depth, named).unwrap_or(Target { item: Some(name.into()), ..here })
                }
            };
            rest = after;
        }
        named.push(here.clone());
        Some(here)
    }

    /// A name in the scope of a module.
    fn lookup(&self, module: usize, name: &str, depth: usize, named: &mut Vec<Target>) -> Option<Target> {
        if depth > DEEPEST {
            return None;
        }
        let here = &self.modules[module];
        if let Some(child) = here.children.get(name) {
            let target = Target { module: *child, item: None };
            named.push(target.clone());
            return Some(target);
        }
        let texts = || here.texts.iter().map(|(_, text)| text);
        if texts().any(|text| text.items.contains(name)) {
            return Some(Target { module, item: Some(name.to_owned()) });
        }
        let bindings = || texts().flat_map(|text| &text.bindings);
        let bound = bindings().filter(|binding| binding.name.as_deref() == Some(name));
        // `use serde::serde` binds a name to itself in another crate.
        let mut bound = bound.filter(|binding| binding.path.first().is_some_and(|first| first != name));
        if let Some(binding) = bound.next() {
            return self.follow(module, &binding.path, depth + 1, named);
        }
        let globs = bindings().filter(|binding| binding.name.is_none());
        let mut globs = globs.filter_map(|glob| {
            let opened = self.follow(module, &glob.path, depth + 1, &mut Vec::new())?;
            (opened.item.is_none() && opened.module != module).then_some(opened.module)
        });
        globs.find_map(|opened| self.lookup(opened, name, depth + 1, named))
    }

    /// True if a name is bound by a `use` of the module that names it in full.
    pub fn is_bound(&self, module: usize, name: &str) -> bool {
        let texts = self.modules[module].texts.iter();
        texts.flat_map(|(_, text)| &text.bindings).any(|binding| binding.name.as_deref() == Some(name))
    }
}
