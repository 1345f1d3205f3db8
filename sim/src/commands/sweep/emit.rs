//! Job scripts: a sweep as an array of shards for an engine that users have, as a file to read and change.
//!
//! The scripts know nothing of points. Each runs `sim sweep SCENARIO --shard I/N --out DIR` once for every I, and may do so twice:
//! a shard whose part is there ends at once. Nothing is submitted here.

use crate::terminal::Failure;
use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Most shards of a sweep: Slurm's `MaxArraySize` is 1001 where nobody changed it.
pub const MOST_SHARDS: u64 = 1000;

/// The engines that run shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A Slurm job array: job.sbatch.
    Slurm,
    /// An indexed Kubernetes job: job.yaml.
    Kubernetes,
    /// GNU parallel, here and over ssh: job.sh.
    Parallel,
}

/// The job that a script runs.
#[derive(Clone, Debug)]
pub struct Job {
    /// The scenario's name.
    pub name: String,
    /// Shards that the points are dealt to.
    pub shards: u64,
    /// The program, as the machines that run the shards find it.
    pub sim: PathBuf,
}

impl Engine {
    fn template(self) -> &'static str {
        match self {
            Self::Slurm => include_str!("templates/job.sbatch"),
            Self::Kubernetes => include_str!("templates/job.yaml"),
            Self::Parallel => include_str!("templates/job.sh"),
        }
    }

    /// The script's name in the folder of the sweep.
    pub fn script(self) -> &'static str {
        match self {
            Self::Slurm => "job.sbatch",
            Self::Kubernetes => "job.yaml",
            Self::Parallel => "job.sh",
        }
    }

    /// Characters that a path cannot have, because the engine reads them as its own.
    fn forbidden(self) -> &'static [char] {
        match self {
            Self::Slurm => &['\\'],
            Self::Kubernetes => &[':'],
            Self::Parallel => &['{', '}'],
        }
    }

    /// A path as the script's language writes it.
    fn quoted(self, path: &str) -> String {
        match self {
            // `$(NAME)` would be a variable, in the arguments.
            Self::Kubernetes => yaml(&path.replace("$(", "$$(")),
            Self::Slurm | Self::Parallel => shell(path),
        }
    }
}

impl Job {
    /// The name under which an engine lists the job: the same for every submission from one folder, and of no other.
    /// It is made of what Kubernetes allows, 63 characters with the number of the shard and its own suffix.
    pub fn label(&self, folder: &Path) -> String {
        let lower = self.name.to_lowercase();
        let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name: String = words.collect::<Vec<_>>().join("-").chars().take(30).collect();
        let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("sim-{name}-{digest}").replace("--", "-")
    }
}

/// Writes the script for an engine into the folder of a sweep, and says where it is.
///
/// # Errors
/// If there are too many shards, if a path has characters that the engine cannot be told, or if a script that somebody changed is
/// in the way: that is left alone.
pub fn emit(engine: Engine, job: &Job, folder: &Path) -> Result<PathBuf, Failure> {
    let folder = absolute(folder)?;
    let script = folder.join(engine.script());
    let text = text(engine, job, &folder)?;
    match fs::read_to_string(&script) {
        Ok(there) if there == text => return Ok(script),
        Ok(_) => {
            return Err(Failure::refused(format!(
                "{}: a job script that differs is in the way: expected none, or the same; move it away, or use it as it is",
                script.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io("read", &script, &error)),
    }
    let logs = folder.join("logs");
    fs::create_dir_all(&logs).map_err(|error| Failure::io("make the folder", &logs, &error))?;
    fs::write(&script, text).map_err(|error| Failure::io("write", &script, &error))?;
    Ok(script)
}

/// The script's text.
fn text(engine: Engine, job: &Job, folder: &Path) -> Result<String, Failure> {
    if !(1..=MOST_SHARDS).contains(&job.shards) {
        return Err(Failure::refused(format!(
            "--shards {}: expected 1 to {MOST_SHARDS}, as many tasks as Slurm's arrays have by default; a shard takes as many points \
             as there are, so choose fewer shards",
            job.shards
        )));
    }
    let path = |path: &Path| -> Result<String, Failure> { writable(engine, &absolute(path)?).map(str::to_owned) };
    let (folder_text, sim) = (path(folder)?, path(&job.sim)?);
    let log = format!("{}/logs/shard-%a.log", folder_text.replace('%', "%%"));
    let label = job.label(folder);
    let value = |key: &str| match key {
        "NAME" => job.name.split(char::is_control).collect::<Vec<_>>().join(" "),
        "JOB" => label.clone(),
        "SHARDS" => job.shards.to_string(),
        "LAST" => (job.shards - 1).to_string(),
        "PARALLELISM" => job.shards.min(50).to_string(),
        "VERSION" => env!("CARGO_PKG_VERSION").to_owned(),
        "SCRIPT" => engine.quoted(&format!("{folder_text}/{}", engine.script())),
        "SIM" => engine.quoted(&sim),
        "SCENARIO" => engine.quoted(&format!("{folder_text}/scenario.toml")),
        "FOLDER" => engine.quoted(&folder_text),
        // A mount is taken as it is.
        "MOUNT" => yaml(&folder_text),
        // Slurm's own quoting, in a comment of the script.
        "LOG" => format!("\"{}\"", log.replace('"', "\\\"")),
        _ => unreachable!("no template has @{key}@"),
    };
    Ok(fill(engine.template(), value))
}

/// Puts values in the places of `@KEY@`, in one pass: what a value says is not looked at.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    template
        .split('@')
        .enumerate()
        .map(|(place, piece)| if place % 2 == 0 { piece.to_owned() } else { value(piece) })
        .collect()
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::io("find", path, &error))
}

/// A path that a script for this engine can name.
fn writable(engine: Engine, path: &Path) -> Result<&str, Failure> {
    let refuse = |what: &str| {
        Failure::refused(format!(
            "{}: a job script for {} cannot name this path: expected no {what} in it; choose another place",
            path.display(),
            engine.to_possible_value().expect("no engine is hidden").get_name()
        ))
    };
    let text = path.to_str().ok_or_else(|| refuse("bytes that are not UTF-8"))?;
    if text.contains(char::is_control) {
        return Err(refuse("line break or other control character"));
    }
    match text.chars().find(|c| engine.forbidden().contains(c)) {
        Some(forbidden) => Err(refuse(&format!("`{forbidden}`"))),
        None => Ok(text),
    }
}

/// A word of a shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,=:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A string of YAML, which has those of JSON.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[path = "emit_tests.rs"]
mod tests;
