//! The folder of a sweep: `sweep.json` says what it is of, `parts/` holds what is done.

use super::split::Split;
use crate::results::class_runs::{ClassRunsReader, ClassRunsWriter};
use crate::results::making::{MakingFile, is_in_the_making, remove_left};
use crate::results::runs::{Run, RunsReader, RunsWriter};
use crate::results::whole_file;
use crate::scenario::Plan;
use crate::terminal::Failure;
use reports::TOOL;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that says which sweep a folder is of.
const IDENTITY: &str = "sweep.json";

/// Version of `sweep.json`.
const SCHEMA_VERSION: u32 = 1;

/// Keys of what a part says of itself.
const PLAN_NOTE: &str = "msao_sim.plan_sha256";
const VERSION_NOTE: &str = "msao_sim.version";
const PART_NOTE: &str = "msao_sim.part";

/// The identity of a sweep's folder: `sweep.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    tool: String,
    tool_version: String,
    commit: String,
    schema_version: u32,
    scenario: String,
    plan_sha256: String,
    points: u64,
    split: Split,
}

impl Identity {
    fn of(plan: &Plan, split: Split) -> Self {
        Self {
            tool: TOOL.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("MSAO_SIM_COMMIT").to_owned(),
            schema_version: SCHEMA_VERSION,
            scenario: plan.scenario.name.clone(),
            plan_sha256: plan.hash(),
            points: plan.points(),
            split,
        }
    }

    fn version(&self) -> String {
        format!("{} ({})", self.tool_version, self.commit)
    }
}

/// The folder of a sweep.
pub struct Folder {
    path: PathBuf,
    identity: Identity,
    /// True if requests are of several classes, whose figures lie beside each part.
    has_classes: bool,
}

impl Folder {
    fn of(path: &Path, identity: Identity, plan: &Plan) -> Self {
        Self { path: path.to_owned(), identity, has_classes: !plan.scenario.classes.is_empty() }
    }

    /// The folder, if a sweep was begun there.
    ///
    /// # Errors
    /// If something else is there, or another sweep, or the same of another version of this program.
    pub fn open(path: &Path, plan: &Plan) -> Result<Option<Self>, Failure> {
        let file = path.join(IDENTITY);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return match is_vacant(path)? {
                    true => Ok(None),
                    // Another process has begun the sweep between the two looks.
                    false if file.is_file() => Self::open(path, plan),
                    false => Err(in_the_way(path)),
                };
            }
            Err(error) => return Err(Failure::io("read", &file, &error)),
        };
        let remedy = "choose another folder with --out, or move this one away";
        let Ok(found) = serde_json::from_str::<Identity>(&text) else {
            let expected = "expected what `sim sweep` of this version writes";
            return Err(Failure::refused(format!("{}: not readable; {expected}; {remedy}", file.display())));
        };
        let expected = Identity::of(plan, found.split);
        let differs = if found.version() != expected.version() {
            format!("begun by version {}, this is {}", found.version(), expected.version())
        } else if found != expected {
            let (theirs, ours) = (&found.plan_sha256[..found.plan_sha256.len().min(12)], &expected.plan_sha256[..12]);
            format!(
                "of another sweep: `{}` with hash {theirs}, expected `{}` with {ours}",
                found.scenario, expected.scenario
            )
        } else {
            return Ok(Some(Self::of(path, found, plan)));
        };
        Err(Failure::refused(format!("{}: {differs}; {remedy}", file.display())))
    }

    /// Begins a sweep, or goes on with it. Several processes may do so at once: all write the same.
    ///
    /// # Errors
    /// As [`Self::open`], and if it was begun with another split.
    pub fn begin(path: &Path, plan: &Plan, split: Split) -> Result<Self, Failure> {
        if let Some(folder) = Self::open(path, plan)? {
            return if folder.identity.split == split { Ok(folder) } else { Err(folder.another_split(split)) };
        }
        let parts = path.join("parts");
        fs::create_dir_all(&parts).map_err(|error| Failure::io("make the folder", &parts, &error))?;
        let folder = Self::of(path, Identity::of(plan, split), plan);
        whole_file::write(&path.join("scenario.toml"), &plan.scenario.resolved_text(plan.source.folder()))?;
        let identity = serde_json::to_string_pretty(&folder.identity).expect("an identity is JSON") + "\n";
        whole_file::write(&path.join(IDENTITY), &identity)?;
        Ok(folder)
    }

    fn another_split(&self, wanted: Split) -> Failure {
        let (begun, remedy) = match (self.identity.split, wanted) {
            (Split::Shards(n), Split::Ranges(_)) => {
                (format!("begun as {n} shards"), "go on with --shard, --missing and --merge".to_owned())
            }
            (Split::Shards(n), Split::Shards(_)) => (format!("begun as {n} shards"), format!("use --shard I/{n}")),
            (Split::Ranges(_), _) => ("begun on one machine".to_owned(), "go on with --resume".to_owned()),
        };
        let path = self.path.display();
        Failure::refused(format!("{path}: this sweep was {begun}; {remedy}, or choose another folder with --out"))
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Division of the points into parts.
    pub fn split(&self) -> Split {
        self.identity.split
    }

    /// The hash of its list of points.
    pub fn plan_sha256(&self) -> &str {
        &self.identity.plan_sha256
    }

    fn points(&self) -> u64 {
        self.identity.points
    }

    fn parts(&self) -> PathBuf {
        self.path.join("parts")
    }

    fn part(&self, part: u64) -> PathBuf {
        self.parts().join(self.split().file_name(part))
    }

    fn classes(&self, part: u64) -> PathBuf {
        self.parts().join(self.split().classes_name(part))
    }

    /// The parts that are not there, or not whole.
    ///
    /// # Errors
    /// If a part is of another sweep or version.
    pub fn missing(&self) -> Result<BTreeSet<u64>, Failure> {
        let mut missing = BTreeSet::new();
        for part in 0..self.split().parts(self.points()) {
            if !self.has(part)? {
                missing.insert(part);
            }
        }
        Ok(missing)
    }

    /// True if a part is there and whole.
    ///
    /// # Errors
    /// If it is of another sweep or version.
    pub fn has(&self, part: u64) -> Result<bool, Failure> {
        let path = self.part(part);
        if !path.exists() || (self.has_classes && !self.classes(part).exists()) {
            return Ok(false);
        }
        // A part that cannot be read is as good as none: it is run again.
        let Ok(reader) = RunsReader::open(&path) else { return Ok(false) };
        for (note, expected) in self.notes(part) {
            let found = reader.note(note).unwrap_or("nothing");
            if found != expected {
                let remedy = "move it away and run again";
                let path = path.display();
                return Err(Failure::refused(format!(
                    "{path}: a part of another sweep: {note} is {found}, expected {expected}; {remedy}"
                )));
            }
        }
        Ok(true)
    }

    /// The runs of a part that is there.
    pub fn reader(&self, part: u64) -> Result<RunsReader, Failure> {
        let runs = RunsReader::open(&self.part(part))?;
        if !self.has_classes {
            return Ok(runs);
        }
        let [(note, plan), ..] = self.notes(part);
        Ok(runs.with_classes(ClassRunsReader::open(&self.classes(part), (note, &plan))?))
    }

    fn notes(&self, part: u64) -> [(&'static str, String); 3] {
        let number = format!("{part} of {}", self.split().parts(self.points()));
        [(PLAN_NOTE, self.plan_sha256().to_owned()), (VERSION_NOTE, self.identity.version()), (PART_NOTE, number)]
    }

    /// Writes a part: `fill` gives its runs to what it is given. It appears whole, and stays through a loss of power.
    pub fn write_part(
        &self,
        part: u64,
        plan: &Plan,
        fill: impl FnOnce(&mut dyn FnMut(Run) -> Result<(), Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let parts = self.parts();
        let begin = || MakingFile::begin(&parts).map_err(|error| Failure::io("write in the folder", &parts, &error));
        let (file, beside) = (begin()?, self.has_classes.then(begin).transpose()?);
        let notes = self.notes(part);
        let notes: Vec<(&str, &str)> = notes.iter().map(|(note, value)| (*note, value.as_str())).collect();
        let mut writer = RunsWriter::create_part(file.path(), &plan.varied, &notes)?;
        let classes = beside.as_ref().map(|file| ClassRunsWriter::create(file.path(), &notes));
        let mut classes = classes.transpose()?;
        fill(&mut |run| {
            let of_run = run.result.as_ref().map_or(&[][..], |sample| &sample.classes);
            classes.iter_mut().try_for_each(|classes| classes.write(of_run))?;
            Ok(writer.write(&run)?)
        })?;
        writer.finish()?;
        classes.map(ClassRunsWriter::finish).transpose()?;
        let put =
            |file: MakingFile, path: PathBuf| file.put(&path).map_err(|error| Failure::io("write", &path, &error));
        // The part comes last: where it is, its classes are.
        beside.map_or(Ok(()), |file| put(file, self.classes(part)))?;
        put(file, self.part(part))
    }

    /// Removes what killed processes left. Files that another process is writing stay.
    pub fn tidy(&self) {
        for folder in [&self.path, &self.parts()] {
            remove_left(folder, ".");
        }
    }

    /// Waits until no other process puts the parts together, and keeps others from it while the answer lives.
    ///
    /// # Errors
    /// If the folder cannot be locked.
    pub fn lock(&self) -> Result<fs::File, Failure> {
        let path = self.path.join(IDENTITY);
        let failed = |error| Failure::io("lock", &path, &error);
        let file = fs::File::open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// Refuses what lies between the parts and is none.
    pub fn refuse_strangers(&self) -> Result<(), Failure> {
        let parts = self.parts();
        let split = self.split();
        let of = |part| [Some(split.file_name(part)), self.has_classes.then(|| split.classes_name(part))];
        let known: BTreeSet<String> = (0..split.parts(self.points())).flat_map(of).flatten().collect();
        let entries = fs::read_dir(&parts).map_err(|error| Failure::io("read", &parts, &error))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && !known.contains(&name) {
                return Err(Failure::refused(format!(
                    "{}: no part of this sweep ({} parts, such as {}); move it away",
                    entry.path().display(),
                    split.parts(self.points()),
                    split.file_name(0)
                )));
            }
        }
        Ok(())
    }
}

/// True if a sweep may begin there: nothing is there, or an empty folder.
fn is_vacant(path: &Path) -> Result<bool, Failure> {
    match fs::read_dir(path) {
        // What another process is writing at this moment is no stranger.
        Ok(mut entries) => Ok(entries.all(|entry| {
            entry.is_ok_and(|entry| {
                let name = entry.file_name();
                ["parts", "logs", "scenario.toml"].iter().any(|known| name == *known) || is_in_the_making(&name, ".")
            })
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

fn in_the_way(path: &Path) -> Failure {
    let remedy = "move it away, or choose another place with --out";
    Failure::refused(format!("{}: a folder that is no sweep is in the way; {remedy}", path.display()))
}
