//! The command line of `sim sweep`.

use super::emit::{Engine, Job, MOST_SHARDS, emit};
use super::folder::Folder;
use super::merge::{Merged, merge};
use super::point;
use super::shared::Shared;
use super::slurm::{self, Slurm};
use super::split::Split;
use crate::results::shortfalls::OfRuns;
use crate::run::threads;
use crate::scenario::{self, Plan, Written};
use crate::terminal::{Code, Failure, Layout, print, say, with_bar, with_bold_heading};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Points that nobody runs by mistake.
const MOST_WITHOUT_YES: u64 = 100_000;

/// Rows of a summary that are printed.
const MOST_PRINTED: u64 = 200;

/// Points of a shard that are run before their rows are written.
const POINTS_AT_ONCE: usize = 256;

/// Shards of a job where nobody says how many.
const SHARDS: u64 = 100;

const EXAMPLES: &str = "\
Examples:
  sim sweep scenarios/sweep_mas.toml                       on all cores
  sim sweep scenarios/sweep_mas.toml --resume              after it was killed
  sim sweep scenarios/sweep_mas.toml --emit slurm --shards 64 --out big
  sbatch big/job.sbatch                                    the same, past one machine
  sim sweep scenarios/sweep_mas.toml --out big --missing   what is left of it
  sim sweep scenarios/sweep_mas.toml --out big --merge
  sim best results/sweep_mas --minimise e2e_ms_p99 --subject-to \"accuracy_pct >= 75\"

What may stand in [sweep]: lists, { from, to, step }, { from, to, points, scale = \"log\" }, groups
[[sweep.zip]], [sweep.random] and [sweep.latin_hypercube]; see docs/sweeps.md.";

/// Run every point of a scenario's [sweep] table, in parts that outlive the process.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    written: Written,
    /// Folder for the results [default: results/NAME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads that points are spread over [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Write no report: neither figures nor verdicts on the papers' claims. `sim report DIR` writes it later.
    #[arg(long)]
    no_report: bool,
    #[command(flatten)]
    layout: Layout,
    /// Go on with the sweep that was begun in the folder: only what is missing is run.
    #[arg(long)]
    resume: bool,
    /// Run more than 100,000 points.
    #[arg(long)]
    yes: bool,
    /// Run one shard, points I, I+N, I+2N and so on, I from 0, into the folder's parts.
    #[arg(long, value_name = "I/N", value_parser = shard, group = "what")]
    shard: Option<(u64, u64)>,
    /// Print the shards that are missing, as `sbatch --array` takes them.
    #[arg(long, group = "what")]
    missing: bool,
    /// Put the parts together.
    #[arg(long, group = "what")]
    merge: bool,
    /// Write a job script into the folder, to read and change: job.sbatch, job.yaml or job.sh.
    #[arg(long, value_name = "ENGINE", group = "what")]
    emit: Option<Engine>,
    /// Submit the shards to Slurm, wait, submit again what was lost, and put the parts together.
    #[arg(long, group = "what")]
    slurm: bool,
    /// Shards of the job [default: 100, or the number of points].
    #[arg(long, value_name = "N", requires = "what", value_parser = clap::value_parser!(u64).range(1..=MOST_SHARDS))]
    shards: Option<u64>,
    /// Times that --slurm submits a lost shard again.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "slurm")]
    resubmit: u32,
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match numbers {
        Some((i, n)) if i < n && n <= MOST_SHARDS => Ok((i, n)),
        Some((_, n)) if n > MOST_SHARDS => Err(format!("expected at most {MOST_SHARDS} shards")),
        _ => Err("expected I/N with I from 0 to N-1, as in 0/16".to_owned()),
    }
}

/// Runs `sim sweep`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let sweep = Sweep::new(args)?;
    match args {
        Args { shard: Some((index, shards)), .. } => sweep.run_shard(*index, *shards),
        Args { missing: true, .. } => sweep.print_missing(),
        Args { merge: true, .. } => sweep.finish(&sweep.begun()?, Instant::now()),
        Args { emit: Some(engine), .. } => sweep.emit(*engine),
        Args { slurm: true, .. } => sweep.on_slurm(),
        _ => sweep.run_here(),
    }
}

/// The sweep that the command line asks for.
struct Sweep<'a> {
    args: &'a Args,
    plan: Plan,
    out: PathBuf,
    shared: Shared,
}

impl<'a> Sweep<'a> {
    fn new(args: &'a Args) -> Result<Self, Failure> {
        // Refused before hours of work.
        args.layout.shown()?;
        let plan = Plan::read(&args.written)?;
        plan.must_be_simulated("sim sweep")?;
        let points = plan.points();
        // A sweep that is run in shards was meant: it was asked where the job was written.
        let begins = args.shard.is_none() && !args.missing && !args.merge;
        if points > MOST_WITHOUT_YES && begins && !args.yes {
            let path = plan.source.path.display();
            let remedy = "say --yes if that is meant";
            return Err(Failure::refused(format!(
                "{path}: the sweep has {points} points, expected at most {MOST_WITHOUT_YES}; {remedy}"
            )));
        }
        let out = args.out.clone().unwrap_or_else(|| ["results", &plan.scenario.name].iter().collect());
        Ok(Self { args, plan, out, shared: Shared::default() })
    }

    /// Refuses a sweep of which no point can be run, judged by those that have every value once.
    fn check(&self) -> Result<(), Failure> {
        let mut first = None;
        for number in self.plan.design.along_the_axes(20) {
            match self.plan.point(number) {
                Ok(point) => {
                    // Whoever wrote a job was warned; the logs of its shards need not say it again.
                    if self.args.shard.is_none() {
                        scenario::warn(&self.plan);
                        scenario::warn_of_short_traces(&self.plan, [&point]);
                    }
                    return Ok(());
                }
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        first.map_or(Ok(()), Err)
    }

    fn run_here(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let split = Split::on_one_machine(self.plan.points(), self.plan.requests_of_a_point());
        if !self.args.resume && Folder::open(&self.out, &self.plan)?.is_some() {
            let remedy = "go on with --resume, or choose another folder with --out";
            return Err(Failure::refused(format!("{}: this sweep was begun here; {remedy}", self.out.display())));
        }
        self.check()?;
        let folder = Folder::begin(&self.out, &self.plan, split)?;
        let missing: Vec<u64> = folder.missing()?.into_iter().collect();
        let points = missing.iter().map(|part| split.points_of(*part, self.plan.points()).count() as u64).sum();
        let pool = threads::pool(self.args.threads, missing.len() as u64)?;
        with_bar(points, "points", |progress| {
            let part = |part: &u64| self.run_part(&folder, *part, progress);
            // One part at a time is given out, so that what is in work is what the threads are at.
            pool.install(|| missing.par_iter().with_max_len(1).try_for_each(part))
        })?;
        self.finish(&folder, started)
    }

    /// Runs the points of a part one after another.
    fn run_part(&self, folder: &Folder, part: u64, progress: &AtomicU64) -> Result<(), Failure> {
        folder.write_part(part, &self.plan, |write| {
            for number in folder.split().points_of(part, self.plan.points()) {
                point::run(&self.plan, number, None, &self.shared).into_iter().try_for_each(&mut *write)?;
                progress.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    }

    fn run_shard(&self, index: u64, shards: u64) -> Result<(), Failure> {
        let folder = Folder::begin(&self.out, &self.plan, self.shards(shards)?)?;
        if !folder.has(index)? {
            self.check()?;
            let numbers: Vec<u64> = folder.split().points_of(index, self.plan.points()).collect();
            let pool = threads::pool(self.args.threads, numbers.len() as u64)?;
            with_bar(numbers.len() as u64, "points", |progress| {
                folder.write_part(index, &self.plan, |write| {
                    for some in numbers.chunks(POINTS_AT_ONCE) {
                        let run = |number: &u64| {
                            let runs = point::run(&self.plan, *number, None, &self.shared);
                            progress.fetch_add(1, Ordering::Relaxed);
                            runs
                        };
                        let runs: Vec<Vec<_>> = pool.install(|| some.par_iter().map(run).collect());
                        runs.into_iter().flatten().try_for_each(&mut *write)?;
                    }
                    Ok(())
                })
            })?;
        }
        let mut reader = folder.reader(index)?;
        let (mut failed, mut bugs, mut shortfalls) = (0, false, OfRuns::default());
        while let Some(run) = reader.next()? {
            shortfalls.add(&run);
            if let Err(reason) = &run.result {
                failed += 1;
                bugs |= point::is_bug(reason);
            }
        }
        shortfalls.warn();
        verdict(failed, bugs, &format!("shard {index}/{shards}"), "recorded in its part")
    }

    /// The split into shards, none of which is without points.
    fn shards(&self, shards: u64) -> Result<Split, Failure> {
        let points = self.plan.points();
        if shards > points {
            let path = self.plan.source.path.display();
            return Err(Failure::refused(format!(
                "{path}: {shards} shards of {points} points, expected at most as many"
            )));
        }
        Ok(Split::Shards(shards))
    }

    /// The folder of a sweep that was begun.
    fn begun(&self) -> Result<Folder, Failure> {
        let folder = Folder::open(&self.out, &self.plan)?;
        folder.ok_or_else(|| {
            let remedy = "begin one with --emit, --shard or --slurm, or name its folder with --out";
            Failure::refused(format!("{}: no sweep was begun here; {remedy}", self.out.display()))
        })
    }

    /// The folder of a sweep in shards: as it was begun, or so many as are asked for.
    fn in_shards(&self) -> Result<Folder, Failure> {
        let begun = match Folder::open(&self.out, &self.plan)?.map(|folder| folder.split()) {
            Some(Split::Shards(shards)) => Some(shards),
            _ => None,
        };
        let shards = self.args.shards.or(begun).unwrap_or(SHARDS.min(self.plan.points()));
        Folder::begin(&self.out, &self.plan, self.shards(shards)?)
    }

    fn print_missing(&self) -> Result<(), Failure> {
        let folder = if self.args.shards.is_some() { self.in_shards()? } else { self.begun()? };
        if let Split::Ranges(_) = folder.split() {
            let remedy = "go on with --resume";
            return Err(Failure::refused(format!("{}: not divided into shards; {remedy}", self.out.display())));
        }
        let missing = folder.missing()?;
        if missing.is_empty() { Ok(()) } else { crate::terminal::print(&format!("{}\n", slurm::ranges(&missing))) }
    }

    fn job(&self, folder: &Folder) -> Result<Job, Failure> {
        let sim =
            std::env::current_exe().map_err(|error| Failure::bug(format!("cannot find this program: {error}")))?;
        let shards = folder.split().parts(self.plan.points());
        Ok(Job { name: self.plan.scenario.name.clone(), shards, sim })
    }

    fn emit(&self, engine: Engine) -> Result<(), Failure> {
        self.check()?;
        let folder = self.in_shards()?;
        let script = emit(engine, &self.job(&folder)?, folder.path())?;
        say(format_args!("{} shards; the script is {}", self.job(&folder)?.shards, script.display()));
        Ok(())
    }

    fn on_slurm(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let slurm = Slurm::find()?;
        self.check()?;
        let folder = self.in_shards()?;
        slurm::run(&slurm, &self.job(&folder)?, folder.path(), self.args.resubmit, || folder.missing())?;
        self.finish(&folder, started)
    }

    /// Puts the parts together, draws and prints.
    fn finish(&self, folder: &Folder, started: Instant) -> Result<(), Failure> {
        let merged = merge(folder, &self.plan, !self.args.no_report)?;
        self.print(folder.path(), &merged, started)?;
        let where_to = folder.path().join("failures.csv");
        verdict(merged.failed, merged.bugs, &self.plan.scenario.name, &format!("see {}", where_to.display()))
    }

    fn print(&self, folder: &Path, merged: &Merged, started: Instant) -> Result<(), Failure> {
        let rows = merged.totals.runs as u64 / u64::from(self.plan.scenario.replications);
        if rows <= MOST_PRINTED {
            let shown = self.args.layout.shown()?;
            let table = reports::table(folder, &shown).map_err(|error| Failure::bug(error.to_string()))?;
            print(&with_bold_heading(&table))?;
        } else {
            say(format_args!("{rows} rows are in summary.csv; `sim best` picks among them"));
        }
        crate::results::shortfalls::warn(folder)?;
        merged.report.as_ref().map_or(Ok(()), crate::commands::report::print_claims)?;
        if self.shared.saved() > 0 {
            let why = "their policies are the same there, since what varies is of others";
            say(format_args!("{} of the runs are those of an earlier point: {why}", self.shared.saved()));
        }
        say(format_args!(
            "{} points, {} runs, {} events in {:.2} s; results in {}",
            self.plan.points(),
            merged.totals.runs,
            merged.totals.events,
            started.elapsed().as_secs_f64(),
            folder.display()
        ));
        Ok(())
    }
}

/// The exit code for runs that failed.
fn verdict(failed: u64, bugs: bool, of: &str, where_to: &str) -> Result<(), Failure> {
    let said = format!("{of}: {failed} runs failed; {where_to}");
    match (failed, bugs) {
        (0, _) => Ok(()),
        (_, false) => Err(Failure::with_code(Code::Failed, said)),
        (_, true) => Err(Failure::bug(format!("{said}; some met a bug in this program: please report it"))),
    }
}
