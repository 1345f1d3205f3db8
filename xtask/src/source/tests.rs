//! Small written trees, and the imports that are read from them.

use std::fs;

use super::{Level, Tree, levels};

/// A file of a tree and its text.
type File = (&'static str, &'static str);

fn read(files: &[File]) -> Vec<Level> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    levels(&Tree::read(folder.path(), &folder.path().join(files[0].0)).unwrap())
}

/// The imports of all levels, a line each: `crate: a -> b names (file:line)`.
fn imports(files: &[File]) -> Vec<String> {
    let levels = read(files);
    let lines = levels.iter().flat_map(|level| {
        let imports = level.imports.iter();
        imports.map(move |((from, to), import)| format!("{}: {from} -> {to} {import}", level.parent))
    });
    lines.collect()
}

const A_AND_B: &str = "mod a;\nmod b;\n";

#[test]
fn an_import_is_any_path_that_leads_to_another_module() {
    let cases = [
        ("use crate::b::T;\nfn f(_: T) {}\n", "crate::b::T (a.rs:1)"),
        ("use super::b;\nfn f(_: b::T) {}\n", "b::T, super::b (a.rs:1)"),
        ("use crate::{b::{T, U as V}};\n", "crate::b::T, crate::b::U (a.rs:1)"),
        ("use crate::b::{self as c, *};\n", "crate::b (a.rs:1)"),
        ("\nfn f() -> crate::b::T { todo!() }\n", "crate::b::T (a.rs:2)"),
        ("fn f() {\n    super::b::g();\n}\n", "super::b::g (a.rs:2)"),
        ("fn f() { use crate::b::T; }\n", "crate::b::T (a.rs:1)"),
        ("impl crate::b::T for u8 {}\n", "crate::b::T (a.rs:1)"),
        ("fn f(x: u8) { matches!(x, crate::b::T) }\n", "crate::b::T (a.rs:1)"),
        ("fn f() { println!(\"{}\", crate::b::g(1)) }\n", "crate::b::g (a.rs:1)"),
        ("macro_rules! m { () => { $crate::b::g() } }\n", "crate::b::g (a.rs:1)"),
        ("struct S { #[serde(with = \"crate::b\")] t: u8 }\n", "crate::b (a.rs:1)"),
        ("struct S { t: Vec<Option<super::b::T>> }\n", "super::b::T (a.rs:1)"),
    ];
    for (text, named) in cases {
        let found = imports(&[("lib.rs", A_AND_B), ("a.rs", text), ("b.rs", "pub struct T;\n")]);
        assert_eq!(found, [format!("crate: a -> b {named}")], "{text}");
    }
}

#[test]
fn some_text_that_looks_like_an_import_is_none() {
    let cases = [
        "use b::T;\n", // another crate's
        "use ::b::T;\n",
        "#[cfg(test)]\nmod tests { use crate::b::T; }\n",
        "#[test]\nfn f() { crate::b::g() }\n",
        "#[cfg(all(test, unix))]\nuse crate::b::T;\n",
        "struct S;\nimpl S { #[cfg(test)] fn f() { crate::b::g() } }\n",
        "/// See [`crate::b::T`].\npub(super) fn f() {}\n",
        "fn f(b: u8) -> u8 { b }\n",
        "fn f(x: S) { let b = x.b; format!(\"crate::b {b}\", b = b); }\n",
        "mod b { pub struct T; }\nuse self::b::T;\n",
    ];
    for text in cases {
        let found = imports(&[("lib.rs", A_AND_B), ("a.rs", text), ("b.rs", "pub struct T;\n")]);
        assert_eq!(found, [""; 0], "{text}");
    }
}

#[test]
fn an_import_is_followed_through_re_exports() {
    let cases: [(&str, &str, &str); 6] = [
        ("pub use b::T;\n", "pub struct T;\n", "crate::T (a.rs:1)"),
        ("pub use b::*;\n", "pub struct T;\n", "crate::T (a.rs:1)"),
        ("pub use b::U as T;\n", "pub struct U;\n", "crate::T (a.rs:1)"),
        ("use b::U;\npub use U as T;\n", "pub struct U;\n", "crate::T (a.rs:1)"),
        ("pub use b::T;\n", "quantity! { pub struct T(u64); }\n", "crate::T (a.rs:1)"),
        ("pub use b::*;\n", "macro_rules! m { () => { pub struct T; } }\nm!();\n", "crate::T (a.rs:1)"),
    ];
    for (lent, text, named) in cases {
        let root = format!("{A_AND_B}{lent}");
        let root: &'static str = Box::leak(root.into_boxed_str());
        let found = imports(&[("lib.rs", root), ("a.rs", "use crate::T;\n"), ("b.rs", text)]);
        assert_eq!(found, [format!("crate: a -> b {named}")], "{lent}{text}");
    }
}

#[test]
fn an_item_of_the_parent_passes_its_imports_on() {
    let root = "mod a;\nmod b;\nuse b::T;\nfn lent() { further() }\nfn further() -> T { T }\nfn main() { a::f() }\n";
    let files = [("main.rs", root), ("a.rs", "pub fn f() {\n    crate::lent()\n}\n"), ("b.rs", "pub struct T;\n")];
    let through = "crate: a -> b crate::lent (a.rs:2) by way of `further`, which names T (main.rs:5)";
    assert_eq!(imports(&files), [through]);
    let lent: Vec<_> = read(&files)[0].lent.keys().cloned().collect();
    assert_eq!(lent, [("a".to_owned(), "lent".to_owned())]);
}

#[test]
fn each_level_of_folders_has_its_own_imports() {
    let found = imports(&[
        ("lib.rs", A_AND_B),
        ("a/mod.rs", "mod one;\nmod two;\npub use two::Two;\n"),
        ("a/one.rs", "use super::Two;\nuse super::super::b::T;\n"),
        ("a/two.rs", "pub struct Two;\n"),
        ("b.rs", "mod inner { use crate::a::Two; }\npub struct T;\n"),
    ]);
    let expected = [
        "crate: a -> b super::super::b::T (a/one.rs:2)",
        "crate: b -> a crate::a::Two (b.rs:1)",
        "crate::a: one -> two super::Two (a/one.rs:1)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_module_may_lie_in_files_of_any_name() {
    let root =
        "#[cfg_attr(not(feature = \"x\"), path = \"no_a.rs\")]\nmod a;\nmod b;\n#[path = \"other.rs\"]\nmod c;\n";
    let found = imports(&[
        ("lib.rs", root),
        ("a.rs", ""),
        ("no_a.rs", "use crate::b::T;\n"),
        ("b/mod.rs", "mod deep;\n"),
        ("b/deep.rs", "use crate::a::A;\n"),
        ("other.rs", "use crate::a::A;\n"),
    ]);
    let expected =
        ["a -> b crate::b::T (no_a.rs:1)", "b -> a crate::a::A (b/deep.rs:1)", "c -> a crate::a::A (other.rs:1)"];
    assert_eq!(found, expected.map(|line| format!("crate: {line}")));
}

#[test]
fn a_macro_may_put_its_arguments_behind_crate() {
    let list = "macro_rules! list { ($($t:ident: $p:ident,)*) => { $(pub use crate::$t::$p;)* } }\nlist! { b: T, }\n";
    let found = imports(&[("lib.rs", A_AND_B), ("a.rs", list), ("b.rs", "pub struct T;\n")]);
    assert_eq!(found, ["crate: a -> b crate::b (a.rs:2)"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lib.rs");
    let refusal = |text: &str| {
        fs::write(&root, text).unwrap();
        Tree::read(folder.path(), &root).unwrap_err().to_string()
    };
    assert!(refusal("mod gone;\n").starts_with("error: gone/mod.rs cannot be read"));
    assert!(refusal("\nfn {\n").starts_with("error: lib.rs:2 is not Rust"));
}
