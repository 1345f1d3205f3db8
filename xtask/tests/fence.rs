//! The determinism fence stands around the right packages, and it bites.
//!
//! Clippy takes the `clippy.toml` of the package's own folder, else of the nearest folder above. That
//! a workspace may so be fenced in part is what everything rests on: the tests build a workspace of
//! two packages with the same text, one inside the fence and one outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FENCED: &[&str] = &["sim/kernel", "sim/model", "sim/policies", "sim/serving", "sim/engine", "backends"];

/// Code, and the `clippy.toml` path that must refuse it.
const REFUSED: &[(&str, &str)] = &[
    ("std::time::Instant::now()", "std::time::Instant::now"),
    ("std::time::SystemTime::now()", "std::time::SystemTime::now"),
    ("std::thread::sleep(std::time::Duration::ZERO)", "std::thread::sleep"),
    ("std::env::var(\"HOME\")", "std::env::var"),
    ("2f64.ln()", "f64::ln"),
    ("Some(2f64).map(f64::exp)", "f64::exp"),
    ("2f64.powf(0.5)", "f64::powf"),
    ("2f32.powi(3)", "f32::powi"),
    ("2f32.sin_cos()", "f32::sin_cos"),
    ("std::collections::HashMap::<u8, u8>::new()", "std::collections::HashMap"),
    ("std::collections::HashSet::<u8>::default()", "std::collections::HashSet"),
    ("std::mem::size_of::<std::time::Instant>()", "std::time::Instant"),
];

/// Code that must pass: exact arithmetic and ordered collections.
const ALLOWED: &[&str] = &[
    "2f64.sqrt()",
    "2f64.mul_add(3.0, 1.0).round()",
    "std::collections::BTreeMap::<u8, u8>::new()",
    "std::time::Duration::from_nanos(1)",
];

#[test]
fn every_fenced_package_has_the_same_fence_and_no_other_package_has_one() {
    let fence = read_fence("sim/kernel");
    for package in FENCED {
        let same = read_fence(package) == fence;
        assert!(same, "{package}/clippy.toml differs; link it to sim/kernel/clippy.toml");
    }
    for free in ["", "sim", "sim/units", "backends/onnx", "reports", "traces", "xtask"] {
        let path = root().join(free).join("clippy.toml");
        let fenced = fs::read_to_string(&path).is_ok_and(|text| text == fence);
        assert!(!fenced, "{} would fence packages that may read the clock", path.display());
    }
}

#[test]
fn the_fence_bites_inside_and_only_inside() {
    let fence = read_fence("sim/kernel");
    let refused = refused(&fence);
    let workspace = tempfile::tempdir().expect("a temporary folder");
    write_workspace(workspace.path(), &fence, &refused);
    let told = clippy(workspace.path());

    for (line, (code, path)) in (1..).zip(&refused) {
        let place = format!("fenced/src/lib.rs:{line}:");
        let named = format!("`{path}`");
        let mut lines = told.lines();
        let bitten = lines.any(|l| l.starts_with(&place) && l.contains(&named));
        assert!(bitten, "`{code}` was not refused as {named}:\n{told}");
    }
    let bitten = told.lines().filter(|l| l.contains("disallowed"));
    let bitten: BTreeSet<_> = bitten.filter_map(place).collect();
    let expected = (1..=refused.len()).map(|line| ("fenced/src/lib.rs", line));
    assert_eq!(bitten, expected.collect(), "{told}");
    // A misspelt path in the fence bites nothing; clippy says so in passing.
    assert!(!told.contains("clippy.toml"), "the fence is not sound:\n{told}");
}

/// The samples above, and every float function that the fence names: clippy does not say when one of
/// those is misspelt, so each is put into code, which would then not compile.
fn refused(fence: &str) -> Vec<(String, String)> {
    let samples = REFUSED.iter().map(|(c, p)| ((*c).to_owned(), (*p).to_owned()));
    let paths = fence.lines().filter_map(|line| line.split('"').nth(1));
    let floats = paths.filter(|path| path.starts_with("f64::") || path.starts_with("f32::"));
    samples.chain(floats.map(|path| (path.to_owned(), path.to_owned()))).collect()
}

/// The workspace's folder, as cargo says it at run time: checkouts may share a target directory.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("run by cargo or nextest");
    PathBuf::from(here).join("..")
}

fn read_fence(package: &str) -> String {
    let path = root().join(package).join("clippy.toml");
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `file:line:column: what` as file and line.
fn place(line: &str) -> Option<(&str, usize)> {
    let mut parts = line.split(':');
    Some((parts.next()?, parts.next()?.parse().ok()?))
}

/// Two packages with one text, a piece of code each line; the fence around one of them.
fn write_workspace(root: &Path, fence: &str, refused: &[(String, String)]) {
    let codes = refused.iter().map(|(code, _)| code.as_str());
    let text: String = (0..)
        .zip(codes.chain(ALLOWED.iter().copied()))
        .map(|(n, code)| format!("pub fn f{n}() {{ let _ = {code}; }}\n"))
        .collect();
    let members = "[workspace]\nresolver = \"3\"\nmembers = [\"fenced\", \"free\"]\n";
    write(&root.join("Cargo.toml"), members);
    for package in ["fenced", "free"] {
        let manifest = format!("[package]\nname = \"{package}\"\nedition = \"2024\"\n");
        write(&root.join(package).join("Cargo.toml"), &manifest);
        write(&root.join(package).join("src/lib.rs"), &text);
    }
    write(&root.join("fenced/clippy.toml"), fence);
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

/// Clippy's findings in a workspace, one a line.
fn clippy(root: &Path) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["clippy", "--offline", "--workspace", "--message-format", "short"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env_remove("CLIPPY_CONF_DIR")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo clippy starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the probe must compile:\n{told}");
    told
}
