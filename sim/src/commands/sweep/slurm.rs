//! A sweep on Slurm: submits the shards that have no part, waits, and submits again those that were lost.
//!
//! What is known of a shard comes from three places: its part is there or not, its task is in the queue (`squeue`) or not, and the
//! exit code that the job script leaves beside its log, which a killed task does not. Accounting (`sacct`) is not needed. Jobs are
//! found by their name, so that a second call goes on with what an earlier one submitted. Nothing here ends a job.

use super::emit::{Engine, Job, emit};
use crate::terminal::{Code, Failure, say};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Between two looks at the queue: at first, and when nothing has happened for long.
const PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Looks at a queue that does not answer before giving up: some five minutes.
const PATIENCE: u32 = 25;

/// Exit codes of a shard that would be the same the next time.
const FINAL: [i32; 2] = [Code::Refused as i32, Code::Bug as i32];

/// Numbers of shards.
pub type Shards = BTreeSet<u64>;

/// The commands of Slurm on this machine.
pub struct Slurm {
    sbatch: PathBuf,
    squeue: PathBuf,
}

/// A sweep that Slurm is at.
struct Waiter<'a> {
    slurm: &'a Slurm,
    job: &'a Job,
    label: String,
    script: PathBuf,
    logs: PathBuf,
    /// Times that a lost shard is submitted again.
    resubmit: u32,
    /// Times that a shard was submitted, by this call or by what it found in the queue.
    submitted: BTreeMap<u64, u32>,
    pace: (Duration, Duration),
}

/// Tasks in the queue: shard, then state and reason (`R`, `None`).
type Queue = BTreeMap<u64, (String, String)>;

/// Runs the shards of a sweep until `missing` says that all parts are there. The job script in the folder is used as it is, and
/// written if there is none.
///
/// # Errors
/// If Slurm does not answer or does not take the job; if a shard was refused, has met a bug, or was lost more than `resubmit` times
/// after its first submission, once no other shard is at work.
pub fn run(
    slurm: &Slurm,
    job: &Job,
    folder: &Path,
    resubmit: u32,
    missing: impl FnMut() -> Result<Shards, Failure>,
) -> Result<(), Failure> {
    let folder = std::path::absolute(folder).map_err(|error| Failure::io("find", folder, &error))?;
    let script = folder.join(Engine::Slurm.script());
    if !script.exists() {
        emit(Engine::Slurm, job, &folder)?;
    }
    let (label, logs) = (job.label(&folder), folder.join("logs"));
    // Slurm starts no task whose log it cannot open.
    fs::create_dir_all(&logs).map_err(|error| Failure::io("make the folder", &logs, &error))?;
    Waiter { slurm, job, label, script, logs, resubmit, submitted: BTreeMap::new(), pace: PACE }.wait(missing)
}

impl Slurm {
    /// Looks for the commands.
    ///
    /// # Errors
    /// If they are not on this machine.
    pub fn find() -> Result<Self, Failure> {
        Self::find_in(&std::env::var_os("PATH").unwrap_or_default())
    }

    fn find_in(path: &OsStr) -> Result<Self, Failure> {
        let find = |name: &str| {
            let found = std::env::split_paths(path).map(|folder| folder.join(name)).find(|program| program.is_file());
            found.ok_or_else(|| {
                Failure::unavailable(format!(
                    "no Slurm on this machine: {name} is not in the PATH; write the job with --emit slurm and submit it on a login \
                     node, or leave --slurm away to run the sweep here"
                ))
            })
        };
        Ok(Self { sbatch: find("sbatch")?, squeue: find("squeue")? })
    }

    /// Submits shards as one array, and says its number.
    fn submit(&self, script: &Path, label: &str, shards: &Shards) -> Result<String, Failure> {
        let mut sbatch = Command::new(&self.sbatch);
        sbatch.arg("--parsable").arg(format!("--job-name={label}")).arg(format!("--array={}", ranges(shards)));
        let number = answer(sbatch.arg(script)).map_err(|said| {
            Failure::unavailable(format!(
                "{}: sbatch did not take the job: {said}; change the script where it does not fit the cluster, and run the same \
                 command again",
                script.display()
            ))
        })?;
        // With several clusters, `number;cluster`.
        Ok(number.split(';').next().unwrap_or_default().trim().to_owned())
    }

    /// The tasks of all jobs of this name, of this user.
    fn queue(&self, label: &str) -> Result<Queue, String> {
        // Not by the job's number: of a job that ended long ago, Slurm says the same as of a controller that is away.
        let listed =
            answer(Command::new(&self.squeue).args(["--noheader", "--array", "--me", "--format=%i|%t|%r|%j"]))?;
        let task = |line: &str| {
            let [number, state, reason, name] = line.splitn(4, '|').collect::<Vec<_>>().try_into().ok()?;
            let shard = number.split_once('_')?.1.parse().ok()?;
            (name == label).then(|| (shard, (state.to_owned(), reason.to_owned())))
        };
        Ok(listed.lines().filter_map(task).collect())
    }
}

impl Waiter<'_> {
    fn wait(mut self, mut missing: impl FnMut() -> Result<Shards, Failure>) -> Result<(), Failure> {
        let mut pause = self.pace.0;
        let mut lost_before = Shards::new();
        let mut told = String::new();
        loop {
            // The queue first: whoever has left it has written its part.
            let queue = self.queue()?;
            for shard in queue.keys() {
                self.submitted.entry(*shard).or_insert(1);
            }
            let missing = missing()?;
            if missing.is_empty() {
                return Ok(());
            }
            let lost: Shards = missing.iter().filter(|shard| !queue.contains_key(shard)).copied().collect();
            let open: Shards = lost.iter().filter(|shard| self.end_of(**shard).is_none()).copied().collect();
            if open.is_empty() && lost == missing {
                return Err(self.given_up(&lost));
            }
            // A file that another machine wrote may be seen late: what is lost is looked at twice.
            let is_due = |shard: &&u64| !self.submitted.contains_key(shard) || lost_before.contains(shard);
            let due: Shards = open.iter().filter(is_due).copied().collect();
            self.submit(&due)?;
            lost_before = &lost - &due;
            let news = self.news(&missing, &queue, &due);
            if news != told {
                say(&news);
                told = news;
            }
            std::thread::sleep(pause);
            pause = (pause * 3 / 2).min(self.pace.1);
        }
    }

    /// The queue; a controller that is busy or restarts is waited for.
    fn queue(&self) -> Result<Queue, Failure> {
        let mut said = String::new();
        for _ in 0..PATIENCE {
            match self.slurm.queue(&self.label) {
                Ok(queue) => return Ok(queue),
                Err(error) => said = error,
            }
            std::thread::sleep(self.pace.1);
        }
        Err(Failure::unavailable(format!(
            "Slurm does not answer: {said}; shards that were submitted go on; run the same command again when it does"
        )))
    }

    fn submit(&mut self, shards: &Shards) -> Result<(), Failure> {
        if shards.is_empty() {
            return Ok(());
        }
        for shard in shards {
            // What an earlier attempt left says nothing of this one; there may be none.
            let _ = fs::remove_file(self.exit_file(*shard));
        }
        let number = self.slurm.submit(&self.script, &self.label, shards)?;
        let again = if shards.iter().any(|shard| self.submitted.contains_key(shard)) { " again" } else { "" };
        for shard in shards {
            *self.submitted.entry(*shard).or_default() += 1;
        }
        say(format_args!(
            "submitted{again} as job {number}, {}: shards {}; Ctrl-C leaves it running, and the same command goes on with it",
            self.label,
            ranges(shards)
        ));
        Ok(())
    }

    /// The state of the sweep, in a line.
    fn news(&self, missing: &Shards, queue: &Queue, due: &Shards) -> String {
        let parts = self.job.shards - missing.len() as u64;
        let waiting: Vec<_> = queue.values().filter(|(state, _)| state == "PD").collect();
        let reasons: BTreeSet<&str> =
            waiting.iter().map(|(_, reason)| reason.as_str()).filter(|r| *r != "None").collect();
        let because = reasons.into_iter().collect::<Vec<_>>().join(", ");
        let because = if because.is_empty() { because } else { format!(" ({because})") };
        let running = queue.len() - waiting.len();
        let waiting = waiting.len() + due.len();
        format!("{parts} of {} parts are there; {running} running, {waiting} waiting{because}", self.job.shards)
    }

    /// The reason why a shard that left the queue is not submitted again; `None` if it is.
    fn end_of(&self, shard: u64) -> Option<(Code, String)> {
        let times = *self.submitted.get(&shard)?;
        let left = fs::read_to_string(self.exit_file(shard)).ok().and_then(|text| text.trim().parse().ok());
        match left {
            Some(code) if FINAL.contains(&code) => {
                let code = if code == Code::Bug as i32 { Code::Bug } else { Code::Refused };
                Some((code, format!("ended with exit code {}, as it would again", code as i32)))
            }
            _ if times <= self.resubmit => None,
            Some(code) => {
                Some((Code::Unavailable, format!("was submitted {times} times, and ended with exit code {code}")))
            }
            None => Some((Code::Unavailable, format!("was submitted {times} times, and killed or never started"))),
        }
    }

    /// The failure for shards that have no part and never will.
    fn given_up(&self, lost: &Shards) -> Failure {
        let ends: Vec<_> = lost.iter().filter_map(|shard| Some((*shard, self.end_of(*shard)?))).collect();
        // A bug is told before a refusal, and that before an engine that loses shards.
        let (shard, (code, how)) = ends
            .into_iter()
            .max_by_key(|(shard, (code, _))| {
                ([Code::Refused, Code::Bug].iter().position(|c| c == code), std::cmp::Reverse(*shard))
            })
            .expect("a shard was given up");
        let log = self.logs.join(format!("shard-{shard}.log"));
        let text = fs::read_to_string(&log).unwrap_or_default();
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        let says = match last {
            Some(line) => format!("{} ends with `{}`", log.display(), line.trim()),
            None => format!("{} says nothing: do all nodes see this folder, and the program?", log.display()),
        };
        let message = format!(
            "shard {shard} {how}; {says}; no parts of shards {}: mend that and run the same command again, the parts that are there \
             are kept",
            ranges(lost)
        );
        Failure::with_code(code, message)
    }

    fn exit_file(&self, shard: u64) -> PathBuf {
        self.logs.join(format!("shard-{shard}.exit"))
    }
}

/// The output of a command, or the reason of its failure.
fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr);
    Err(if said.is_empty() { output.status.to_string() } else { said })
}

/// Shards as `sbatch --array` takes them: `0-3,7`.
pub fn ranges(shards: &Shards) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &shard in shards {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == shard => *last = shard,
            _ => runs.push((shard, shard)),
        }
    }
    let run = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[path = "slurm_tests.rs"]
mod tests;
