//! The lengths of a file and of its functions, tests left out.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Signature, Type};

use crate::tests_only::is_tests_only;

/// The lengths of one source file.
#[derive(Debug, Default)]
pub struct Measured {
    /// Lines of the file that are not compiled for tests alone.
    pub lines: usize,
    /// Each function with its lines, from signature to closing brace, as `module::Type::name`.
    pub functions: Vec<(String, usize)>,
    /// Modules declared here, for tests alone, that lie in files of their own.
    pub test_modules: Vec<String>,
}

/// Measures the text of a source file.
pub fn measure(text: &str) -> syn::Result<Measured> {
    let file = syn::parse_file(text)?;
    let mut walk = Walk::default();
    walk.measured.lines = text.lines().count();
    walk.visit_file(&file);
    Ok(walk.measured)
}

#[derive(Default)]
struct Walk {
    measured: Measured,
    /// The modules, types and functions around the place being visited.
    around: Vec<String>,
}

impl Walk {
    /// Takes an item out of the count if only tests see it; says whether it did.
    fn skips(&mut self, attributes: &[Attribute], item: &impl Spanned) -> bool {
        let is_test = is_tests_only(attributes);
        if is_test {
            let span = item.span();
            let lines = span.end().line + 1 - span.start().line;
            self.measured.lines = self.measured.lines.saturating_sub(lines);
        }
        is_test
    }

    fn inside(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.around.push(name);
        visit(self);
        self.around.pop();
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        self.inside(signature.ident.to_string(), |walk| {
            let first = signature.span().start().line;
            let last = body.brace_token.span.close().end().line;
            let function = (walk.around.join("::"), last + 1 - first);
            walk.measured.functions.push(function);
            walk.visit_block(body);
        });
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if !self.skips(&item.attrs, item) {
            self.inside(name, |walk| visit::visit_item_mod(walk, item));
        } else if item.content.is_none() {
            self.measured.test_modules.push(name);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !self.skips(&item.attrs, item) {
            let name = type_name(&item.self_ty);
            self.inside(name, |walk| visit::visit_item_impl(walk, item));
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.inside(item.ident.to_string(), |walk| visit::visit_item_trait(walk, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !self.skips(&item.attrs, item) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !self.skips(&item.attrs, item) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
    }
}

/// The name that a reader would look for.
fn type_name(of: &Type) -> String {
    let segment = match of {
        Type::Path(path) => path.path.segments.last(),
        Type::Reference(reference) => return type_name(&reference.elem),
        _ => None,
    };
    segment.map_or_else(|| "impl".to_owned(), |segment| segment.ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<(String, usize)> {
        measure(text).unwrap().functions
    }

    #[test]
    fn a_function_counts_from_its_signature_to_its_closing_brace() {
        let text = "/// Doc.\n#[inline]\npub async fn long(\n    a: u32,\n) -> u32 {\n    a\n}\n";
        assert_eq!(functions(text), [("long".to_owned(), 5)]);
    }

    #[test]
    fn names_say_where_a_function_stands() {
        let text = "mod m { impl<T> Foo<T> { fn f() { fn g() {} } } }\n\
                    impl Bar for &mut a::Foo { fn h() {} }\n\
                    trait Baz { fn i() {} fn j(); }\n";
        let names: Vec<_> = functions(text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["m::Foo::f", "m::Foo::f::g", "Foo::h", "Baz::i"]);
    }

    #[test]
    fn tests_are_left_out() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n\
                    #[test]\nfn c() {}\n#[cfg(all(test, feature = \"x\"))]\nimpl D { fn d() {} }\n";
        let measured = measure(text).unwrap();
        assert_eq!(measured.functions.len(), 1);
        assert_eq!(measured.lines, 2);
        assert!(measured.test_modules.is_empty());
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_named() {
        let text = "#[cfg(test)]\nmod oracle;\nmod queue;\n#[cfg(not(test))]\nmod fast;\n";
        assert_eq!(measure(text).unwrap().test_modules, ["oracle"]);
    }

    #[test]
    fn what_runs_outside_tests_too_is_measured() {
        let text = "#[cfg(not(test))]\nfn a() {}\n#[cfg(any(test, unix))]\nfn b() {}\n#[cfg(unix)]\nfn c() {}\n";
        assert_eq!(functions(text).len(), 3);
    }
}
