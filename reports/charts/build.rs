//! Finds the script of the chart library among the sources that cargo has fetched, and makes sure that it is the one expected.
//!
//! The crate `charming` carries Apache ECharts, but under a private name. Where cargo keeps that crate is asked of cargo, for a
//! manifest with that dependency alone and for this platform alone: cargo knows only then that all is there. Nothing is fetched
//! here.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const CRATE: &str = "charming";
const VERSION: &str = "0.6.0";
const SCRIPT: &str = "src/asset/echarts-5.5.1.min.js";
const SHA256: &str = "e84270bd0cd5bdf60fefc26d00c2a391cb2e81f4d26a7a9ee16185a54773a3cf";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match find() {
        Ok((script, base64)) => {
            println!("cargo::rerun-if-changed={}", script.display());
            println!("cargo::rustc-env=ECHARTS={}", script.display());
            println!("cargo::rustc-env=ECHARTS_SHA256_BASE64={base64}");
        }
        Err(why) => println!("cargo::error=the script of the chart library: {why}"),
    }
}

/// The script's file, and its SHA-256 as a page's policy names it.
fn find() -> Result<(PathBuf, String), String> {
    let script = sources()?.join(SCRIPT);
    let bytes = fs::read(&script).map_err(|error| format!("{}: {error}", script.display()))?;
    let digest = Sha256::digest(bytes);
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if found == SHA256 {
        return Ok((script, BASE64_STANDARD.encode(digest)));
    }
    let remedy = "remove the folder of that crate, and cargo unpacks it again";
    Err(format!("{}: its SHA-256 is {found}, expected {SHA256}; {remedy}", script.display()))
}

/// The folder in which cargo keeps the crate.
fn sources() -> Result<PathBuf, String> {
    let told = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(format!("cargo sets no {name}"));
    let own = told("CARGO_MANIFEST_DIR")?;
    let manifest = lone_manifest(&own, &told("OUT_DIR")?.join("lone")).map_err(|error| error.to_string())?;
    let host = env::var("HOST").map_err(|_| "cargo sets no HOST".to_owned())?;
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &host, "--manifest-path"];
    // From this folder, so that a configuration of the workspace, such as a vendored registry, holds there too.
    let output = Command::new(told("CARGO")?).args(arguments).arg(&manifest).current_dir(&own).output();
    let output = output.map_err(|error| format!("cargo did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ")));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let is_it = |package: &&serde_json::Value| package["name"] == CRATE && package["version"] == VERSION;
    let package = metadata["packages"].as_array().and_then(|packages| packages.iter().find(is_it));
    let folder = package.and_then(|package| Path::new(package["manifest_path"].as_str()?).parent());
    folder.map(Path::to_owned).ok_or(format!("cargo metadata names no {CRATE} {VERSION}"))
}

/// A package of its own with this one dependency, and the lock of the workspace: other versions may not be on this machine.
fn lone_manifest(own: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let text = format!(
        "[package]\nname = \"lone\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
         [dependencies]\n{CRATE} = {{ version = \"={VERSION}\", default-features = false }}\n"
    );
    fs::write(folder.join("Cargo.toml"), text)?;
    fs::write(folder.join("lib.rs"), "")?;
    if let Some(lock) = own.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.exists()) {
        fs::copy(lock, folder.join("Cargo.lock"))?;
    }
    Ok(folder.join("Cargo.toml"))
}
