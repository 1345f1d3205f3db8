//! The imports among the modules of one parent, each with the places that name it.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::Mention;
use super::resolve::Target;
use super::tree::Tree;

/// The modules that one module declares, and their imports.
#[derive(Debug)]
pub struct Level {
    /// The parent's path, as in `crate::scenario`.
    pub parent: String,
    /// The names of the modules.
    pub modules: Vec<String>,
    /// An import for each pair of modules, by importer and imported.
    pub imports: BTreeMap<(String, String), Import>,
    /// The parent's own items that its modules name, with the first place of each by module and item.
    pub lent: BTreeMap<(String, String), Import>,
}

/// The places where one module names another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The file of the first.
    pub file: String,
    /// The line of the first.
    pub line: usize,
    /// The paths, as they are written.
    pub names: BTreeSet<String>,
    /// The parent's own item that names the module for it, with its place.
    pub by_way_of: Option<String>,
}

/// A module of the level, or an item of its parent's own text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Module(String),
    Item(String),
}

type Edges = BTreeMap<(Node, Node), Import>;

/// Every level of a crate that has two modules or more.
pub fn levels(tree: &Tree) -> Vec<Level> {
    let mut edges: BTreeMap<usize, Edges> = BTreeMap::new();
    for (id, module) in tree.modules.iter().enumerate() {
        for (file, text) in &module.texts {
            for mention in &text.mentions {
                let Some(path) = full_path(tree, mention) else { continue };
                for target in tree.resolve(id, &path) {
                    let Some((level, from, to)) = edge(tree, id, mention.item.as_deref(), &target) else { continue };
                    // The `use` that binds a word is an import already.
                    if path.len() == 1 && matches!(from, Node::Module(_)) && tree.is_bound(id, &path[0]) {
                        continue;
                    }
                    let import = Import::at(file, mention.line, path.join("::"));
                    add(edges.entry(level).or_default(), (from, to), import);
                }
            }
        }
    }
    let levels = tree.modules.iter().enumerate().filter(|(_, module)| module.children.len() > 1);
    levels.map(|(id, _)| level(tree, id, edges.remove(&id).unwrap_or_default())).collect()
}

/// The path of a mention; an argument of a macro that pastes it behind `crate::` stands there.
fn full_path(tree: &Tree, mention: &Mention) -> Option<Vec<String>> {
    let texts = || tree.modules.iter().flat_map(|module| &module.texts);
    let pasted = mention.argument_of.as_ref().is_some_and(|name| texts().any(|(_, text)| text.pasting.contains(name)));
    if pasted && tree.modules[0].children.contains_key(&mention.path[0]) {
        return Some(vec!["crate".to_owned(), mention.path[0].clone()]);
    }
    (!mention.is_label).then(|| mention.path.clone())
}

/// The level at which a mention crosses from one node to another.
fn edge(tree: &Tree, from: usize, item: Option<&str>, to: &Target) -> Option<(usize, Node, Node)> {
    let (source, target) = (tree.way(from), tree.way(to.module));
    let shared = source.iter().zip(&target).take_while(|(a, b)| a == b).count();
    let level = source[shared - 1];
    let child = |id: &usize| Node::Module(tree.modules[*id].name.clone());
    let from = match source.get(shared) {
        Some(id) => child(id),
        None => Node::Item(item.filter(|item| !item.is_empty())?.to_owned()),
    };
    let to = match target.get(shared) {
        Some(id) => child(id),
        None => Node::Item(to.item.clone()?),
    };
    (from != to).then_some((level, from, to))
}

fn add(edges: &mut Edges, between: (Node, Node), import: Import) {
    match edges.get_mut(&between) {
        Some(known) => known.names.extend(import.names),
        None => {
            edges.insert(between, import);
        }
    }
}

/// Imports between modules alone: what an item of the parent names, its users name.
fn level(tree: &Tree, id: usize, edges: Edges) -> Level {
    let modules: Vec<String> = tree.modules[id].children.keys().cloned().collect();
    let mut imports = BTreeMap::new();
    let mut lent = BTreeMap::new();
    for ((from, to), import) in &edges {
        match (from, to) {
            (Node::Module(from), Node::Module(to)) => {
                imports.insert((from.clone(), to.clone()), import.clone());
            }
            (Node::Module(from), Node::Item(item)) => {
                lent.insert((from.clone(), item.clone()), import.clone());
            }
            (Node::Item(_), _) => {}
        }
    }
    for ((from, item), import) in &lent {
        for (module, way) in behind(&edges, item) {
            let through = Import { by_way_of: Some(way), ..import.clone() };
            if module != *from {
                imports.entry((from.clone(), module)).or_insert(through);
            }
        }
    }
    Level { parent: tree.path(id), modules, imports, lent }
}

/// The modules that an item of the parent names, itself or by way of further items; each with the place.
fn behind(edges: &Edges, item: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let (mut seen, mut next) = (BTreeSet::new(), vec![item.to_owned()]);
    while let Some(item) = next.pop() {
        if !seen.insert(item.clone()) {
            continue;
        }
        for ((from, to), import) in edges {
            match to {
                _ if *from != Node::Item(item.clone()) => {}
                Node::Item(further) => next.push(further.clone()),
                Node::Module(module) => {
                    found.entry(module.clone()).or_insert_with(|| format!("`{item}`, which names {import}"));
                }
            }
        }
    }
    found
}

impl Import {
    fn at(file: &str, line: usize, name: String) -> Self {
        Self { file: file.to_owned(), line, names: BTreeSet::from([name]), by_way_of: None }
    }
}

impl std::fmt::Display for Import {
    /// The names and the place: ``crate::run::Place (sim/src/scenario/plan.rs:12)``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: Vec<_> = self.names.iter().take(3).map(String::as_str).collect();
        let more = if self.names.len() > shown.len() { ", .." } else { "" };
        write!(f, "{}{more} ({}:{})", shown.join(", "), self.file, self.line)?;
        self.by_way_of.as_ref().map_or(Ok(()), |way| write!(f, " by way of {way}"))
    }
}
