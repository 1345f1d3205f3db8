//! `cargo xtask gpu-check`: rehearsed on the processor, and refused where a GPU is missing or does not suffice.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The binary `sim` of this build, beside our own: the tests of the workspace have built it, those of this package alone have not.
fn sim() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("sim");
    if !binary.exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root of the workspace");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).current_dir(root).args(["build", "--quiet", "--bin", "sim"]).status();
        assert!(built.is_ok_and(|status| status.success()), "sim does not build");
    }
    binary
}

/// Runs the check with results in a folder.
fn check(folder: &TempDir, arguments: &[&str], program_path: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let at = |name: &str| folder.path().join(name);
    command.arg("gpu-check").arg("--out").arg(at("out")).arg("--work").arg(at("work")).args(arguments);
    if let Some(path) = program_path {
        command.env("PATH", path);
    }
    command.output().expect("xtask starts")
}

fn report(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("out/report.md")).expect("a report")
}

/// A folder with an `nvidia-smi` that says this.
fn driver(said: &str) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("nvidia-smi");
    std::fs::write(&program, format!("#!/bin/sh\necho '{said}'\n")).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
    folder
}

fn refused(output: &Output, expected: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_rehearsal_on_the_processor_saves_every_result() {
    let (sim, folder) = (sim(), tempfile::tempdir().expect("a folder"));
    let sim = sim.to_str().expect("UTF-8");
    let output = check(&folder, &["--provider", "cpu", "--sim", sim, "--shared", "/nowhere"], None);
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(4) {
        // Not `eprintln!`, which the runner captures and shows of failed tests only.
        let _ = writeln!(std::io::stderr(), "skipped: a_rehearsal_on_the_processor_saves_every_result: {said}");
        return;
    }
    assert!(output.status.success(), "{said}\n{}", report(&folder));
    let names: BTreeSet<String> = std::fs::read_dir(folder.path().join("out"))
        .expect("results")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    let expected = [
        "check.json",
        "profile.toml",
        "report.md",
        "steps.parquet",
        "tiny-draft.csv",
        "tiny-draft.json",
        "tiny-target.csv",
        "tiny-target.json",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
    let report = report(&folder);
    for part in [
        "This is a rehearsal on a processor",
        "speculative output is the target's own",
        "No operator was left to the processor.",
        "verify of 9 tokens behind 64",
        "uncalibrated roofline",
        "Its log of steps is `steps.parquet`.",
        "Every stage passed.",
    ] {
        assert!(report.contains(part), "{part}:\n{report}");
    }
    let profile = std::fs::read_to_string(folder.path().join("out/profile.toml")).expect("a profile");
    for kind in ["prefill", "decode", "verify", "encode"] {
        assert_eq!(profile.matches(&format!("kind = \"{kind}\"")).count(), 2, "{kind}:\n{profile}");
    }
}

#[test]
fn a_machine_without_a_gpu_is_refused_and_its_report_kept() {
    let (folder, empty) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    refused(&check(&folder, &[], Some(empty.path())), "no GPU: nvidia-smi does not start");
    assert!(report(&folder).contains("Failed: no GPU"));
}

#[test]
fn gpus_that_do_not_suffice_are_refused() {
    for (said, expected) in [
        ("Tesla T4, 470.82.01, 15360", "expected 580 or newer, which CUDA 13 needs"),
        ("RTX A2000, 580.65.06, 6138", "expected 8192 MiB, which the smaller model needs"),
        ("", "nvidia-smi names none"),
    ] {
        let (folder, driver) = (tempfile::tempdir().expect("a folder"), driver(said));
        refused(&check(&folder, &[], Some(driver.path())), expected);
        assert!(report(&folder).contains(expected));
    }
}

#[test]
fn a_library_without_the_provider_ends_the_check_and_keeps_the_report() {
    let sim = sim();
    let (folder, driver) = (tempfile::tempdir().expect("a folder"), driver("NVIDIA H200, 580.159.04, 143771"));
    let output = check(&folder, &["--sim", sim.to_str().expect("UTF-8"), "--shared", "/nowhere"], Some(driver.path()));
    // Without any library it is the library that is missing: the same code, and one message too.
    let expected = if String::from_utf8_lossy(&output.stderr).contains("was not found") {
        "ONNX Runtime"
    } else {
        "provider `cuda`"
    };
    refused(&output, expected);
    let report = report(&folder);
    assert!(report.contains("NVIDIA H200, driver 580.159.04, 143771 MiB of memory."), "{report}");
    assert!(report.contains("## Answers of the small pair\n\nFailed: "), "{report}");
}
