//! A temporary folder in which `sim` is run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A scenario that runs in a blink: every default, one policy.
pub const SMALL: &str = "\
name = \"small\"
replications = 1

[workload]
dataset = \"vqav2\"
requests = 5

[policy.cloud_only]
";

/// `sim` in a folder of its own. Files are named relative to it, so that messages are the same on every machine.
pub struct Sim {
    folder: TempDir,
}

/// The output of a run of `sim`.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
}

impl Sim {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder with [`SMALL`] as `small.toml`.
    pub fn small() -> Self {
        Self::new().with("small.toml", SMALL)
    }

    /// Adds a file.
    pub fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Runs `sim` with these arguments; without a report, which takes longer than all the rest.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let first = args.first().map_or("", |arg| arg.to_str().unwrap_or_default());
        let reports = first == "sweep" || first.ends_with(".toml");
        Output::of(self.command(env!("CARGO_BIN_EXE_sim")).args(args).args(reports.then_some("--no-report")))
    }

    /// Runs `sim` with these arguments and nothing else.
    pub fn run_with_report<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        Output::of(self.command(env!("CARGO_BIN_EXE_sim")).args(args))
    }

    /// Runs `sim`, which is to succeed.
    pub fn done<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{output:#?}");
        output
    }

    /// Writes a small pair of models into `tiny`. Nothing, and a word about it, where there is no library that could run it.
    pub fn with_models(self, test: &str) -> Option<Self> {
        self.done(["models", "write", "tiny", "--out", "tiny"]);
        let described = self.run(["models", "describe", "tiny/draft"]);
        if described.code == Some(4) {
            aloud(&format!("skipped: {test}: {}", described.stderr.trim()));
            return None;
        }
        Some(self)
    }

    /// Runs a line of shell in which `$SIM` is the binary.
    pub fn shell(&self, line: &str) -> Output {
        Output::of(self.command("sh").args(["-c", line]).env("SIM", env!("CARGO_BIN_EXE_sim")))
    }

    /// A command in the folder, without what a terminal or its user would change.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE").env_remove("RUST_BACKTRACE");
        command
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything in the folder, at any depth: a file with its content, a folder without.
    pub fn tree(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.tree_of("")
    }

    /// Everything in a folder in the folder.
    pub fn tree_of(&self, name: &str) -> BTreeMap<String, Option<Vec<u8>>> {
        let mut tree = BTreeMap::new();
        let root = self.path(name);
        collect(&root, &root, &mut tree);
        tree
    }

    /// The names of the files and folders in a folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        self.tree_of(folder).into_keys().filter(|name| !name.contains('/')).collect()
    }

    /// The text of a file.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Output {
    fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }
}

fn collect(root: &Path, folder: &Path, tree: &mut BTreeMap<String, Option<Vec<u8>>>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8").to_owned();
        if path.is_dir() {
            tree.insert(name, None);
            collect(root, &path, tree);
        } else {
            tree.insert(name, Some(std::fs::read(&path).expect("a file")));
        }
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Says something that the test runner does not swallow.
pub fn aloud(line: &str) {
    // Not `eprintln!`, which the runner captures and shows of failed tests only.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A text as a gzip file.
pub fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// Fails unless a line of a page ends with this: the row of a table that a test has worked out.
pub fn quoted(page: &str, row: &str) {
    let text = std::fs::read_to_string(repository(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    assert!(text.lines().any(|line| line.ends_with(row)), "{page} does not have the row of now:\n{row}");
}
