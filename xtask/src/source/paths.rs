//! The text of one module: what it declares, what it binds by `use`, and every path that it names.

use std::collections::BTreeSet;

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Lit, Meta, UseTree};

use super::macros;
use crate::tests_only::is_tests_only;

/// A module's text, tests left out.
#[derive(Debug, Default)]
pub struct Text {
    /// The modules that it declares.
    pub modules: Vec<Declared>,
    /// The names that its `use` statements bind, those inside functions too.
    pub bindings: Vec<Binding>,
    /// The names of its own items.
    pub items: BTreeSet<String>,
    /// Every path that it names, in the order of the text.
    pub mentions: Vec<Mention>,
    /// Its macros that put an argument behind `crate::`.
    pub pasting: BTreeSet<String>,
}

/// A `mod` item.
#[derive(Debug)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// The files that `#[path]` names, those of a `cfg_attr` too.
    pub files: Vec<String>,
    /// Its text if it stands between braces.
    pub inline: Option<Text>,
    /// True if one build finds it in the file of its name.
    pub by_name: bool,
}

/// A name bound by `use`; a glob binds all names of a module.
#[derive(Debug)]
pub struct Binding {
    /// The bound name; none for a glob.
    pub name: Option<String>,
    /// The path behind it.
    pub path: Vec<String>,
}

/// A path as the text names it.
#[derive(Debug, Clone)]
pub struct Mention {
    /// Its segments without their generic arguments.
    pub path: Vec<String>,
    /// The line, counted from one.
    pub line: usize,
    /// The item of the module in which it stands: a function, a type with its impls.
    pub item: Option<String>,
    /// The macro among whose arguments it stands, if it is a word alone.
    pub argument_of: Option<String>,
    /// True if it is no path unless that macro pastes it into one.
    pub is_label: bool,
}

impl Text {
    /// Reads a list of items: a file's or an inline module's.
    pub fn read(items: &[Item]) -> Self {
        let mut walk = Walk::default();
        items.iter().for_each(|item| walk.visit_item(item));
        walk.text
    }
}

#[derive(Default)]
struct Walk {
    text: Text,
    /// The module's item being visited; none between the items.
    item: Option<String>,
    /// The names bound by patterns of this item: a word alone may mean one of them.
    locals: BTreeSet<String>,
}

impl Walk {
    fn mention(&mut self, path: Vec<String>, line: usize) {
        let item = self.item.clone();
        self.text.mentions.push(Mention { path, line, item, argument_of: None, is_label: false });
    }

    /// Visits an item of the module itself; `name` is none if it declares no name.
    fn inside(&mut self, name: Option<String>, visit: impl FnOnce(&mut Self)) {
        let first = self.text.mentions.len();
        self.locals.clear();
        self.item = Some(name.unwrap_or_default());
        visit(self);
        self.item = None;
        let of_item = self.text.mentions.split_off(first);
        let locals = &self.locals;
        let named = of_item.into_iter().filter(|mention| match &mention.path[..] {
            [word] => !locals.contains(word),
            _ => true,
        });
        self.text.mentions.extend(named);
    }

    fn module(&mut self, item: &syn::ItemMod) {
        let paths: Vec<_> = item.attrs.iter().filter_map(path_attribute).collect();
        self.text.modules.push(Declared {
            name: item.ident.unraw().to_string(),
            by_name: paths.iter().all(|(_, always)| !always),
            files: paths.into_iter().map(|(file, _)| file).collect(),
            inline: item.content.as_ref().map(|(_, items)| Text::read(items)),
        });
    }

    fn tokens(&mut self, name: Option<String>, tokens: &proc_macro2::TokenStream) {
        let found = macros::scan(tokens);
        let labels = found.labels.into_iter().map(|(word, line)| (vec![word], line, true));
        let paths = found.paths.into_iter().map(|(path, line)| (path, line, false));
        for (path, line, is_label) in paths.chain(labels) {
            let argument_of = name.clone().filter(|_| path.len() == 1);
            self.text.mentions.push(Mention { path, line, item: self.item.clone(), argument_of, is_label });
        }
        if self.item.as_deref().is_none_or(|item| !self.text.items.contains(item)) {
            self.text.items.extend(found.declared);
        }
    }

    fn macro_item(&mut self, item: &syn::ItemMacro) {
        let Some(name) = item.ident.as_ref().map(ToString::to_string) else {
            return self.inside(None, |walk| walk.visit_macro(&item.mac));
        };
        let found = macros::scan(&item.mac.tokens);
        if found.pastes_behind_crate {
            self.text.pasting.insert(name.clone());
        }
        self.text.items.extend(found.declared);
        self.text.items.insert(name.clone());
        self.inside(Some(name), |walk| {
            let named = found.paths.into_iter().filter(|(path, _)| path.len() > 1);
            named.for_each(|(path, line)| walk.mention(path, line));
        });
    }

    fn uses(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.unraw().to_string());
                self.uses(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, before)),
            UseTree::Glob(glob) => self.bind(None, before.clone(), glob.span().start().line),
            UseTree::Name(name) => self.leaf(&name.ident, &name.ident, before),
            UseTree::Rename(rename) => self.leaf(&rename.ident, &rename.rename, before),
        }
    }

    fn leaf(&mut self, ident: &syn::Ident, bound: &syn::Ident, before: &[String]) {
        let mut path = before.to_vec();
        let mut bound = bound.unraw().to_string();
        match ident.unraw().to_string() {
            last if last != "self" => path.push(last),
            _ if bound == "self" => bound = before.last().cloned().unwrap_or_default(),
            _ => {}
        }
        self.bind(Some(bound), path, ident.span().start().line);
    }

    fn bind(&mut self, name: Option<String>, path: Vec<String>, line: usize) {
        self.mention(path.clone(), line);
        self.text.bindings.push(Binding { name, path });
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_tests_only(attributes(item)) {
            return;
        }
        match item {
            Item::Use(item) => self.uses(&item.tree, &mut Vec::new()),
            Item::Mod(item) if self.item.is_none() => self.module(item),
            Item::Macro(item) if self.item.is_none() => self.macro_item(item),
            _ if self.item.is_some() => visit::visit_item(self, item),
            _ => {
                let name = declares(item);
                self.text.items.extend(name.clone());
                let inside = name.or_else(|| implements_for(item));
                self.inside(inside, |walk| visit::visit_item(walk, item));
            }
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_tests_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
        if path.leading_colon.is_none() {
            self.mention(segments.collect(), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    /// `pub(super)` names nothing of what lies above.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.locals.insert(pattern.ident.unraw().to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.visit_path(&invoked.path);
        let name = invoked.path.segments.last().map(|segment| segment.ident.to_string());
        self.tokens(name, &invoked.tokens);
    }

    /// `#[serde(with = "crate::text")]` names a path, too.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        for (path, line) in macros::scan(&list.tokens).quoted {
            self.mention(path, line);
        }
    }
}

/// The name that an item declares in its module.
fn declares(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string()).filter(|name| name != "_")
}

/// The type of an impl, if it is a word alone.
fn implements_for(item: &Item) -> Option<String> {
    let Item::Impl(item) = item else { return None };
    let syn::Type::Path(path) = &*item.self_ty else { return None };
    let first = path.path.segments.first()?;
    (path.path.segments.len() == 1).then(|| first.ident.unraw().to_string())
}

/// `#[path = ".."]`, and whether it holds in every build.
fn path_attribute(attribute: &Attribute) -> Option<(String, bool)> {
    if attribute.path().is_ident("cfg_attr") {
        let Meta::List(list) = &attribute.meta else { return None };
        return macros::path_value(&list.tokens).map(|file| (file, false));
    }
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(literal) = &pair.value else { return None };
    match &literal.lit {
        Lit::Str(file) if pair.path.is_ident("path") => Some((file.value(), true)),
        _ => None,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
