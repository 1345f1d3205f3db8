//! `sim referee`: the bundled comparisons, run and put on one page.

mod set;

use super::simulate;
use crate::results::manifest;
use crate::run::options::Options;
use crate::scenario::{Plan, Written};
use crate::terminal::{Failure, print, say};
use set::SET;
use std::fs;
use std::path::{Path, PathBuf};

const HELP: &str = "\
Runs the bundled scenarios that compare policies, each into DIR/runs/NAME, and writes one page: DIR/report/index.html. It answers first:
does drafting across a link pay, and where; does MSAO, and what of it; does MindFusion; how many requests does a GPU carry. Then come
claims that contradict each other, with the number at which the winner flips; each system against its control; a row a paper with the
verdicts on its claims; and the assumptions that the answers hang on.

Takes a minute and a half on two cores. Called again after an interrupt, it runs what is missing; results of another version of the program or of
a scenario are run anew.

Examples:
  sim referee
  sim referee --out results/referee --only paper,ablation,tornado";

/// Run the bundled comparisons and judge the papers on one page.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Folder for the runs and the page.
    #[arg(long, value_name = "DIR", default_value = "results/referee")]
    out: PathBuf,
    /// Run these scenarios alone; questions that need others stay without an answer.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Threads that runs are spread over [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print one JSON document instead of text: answers, contradictions, systems and papers. docs/output.md has its keys.
    #[arg(long)]
    json: bool,
}

/// Runs what is missing of the set, writes the page and prints what it says.
///
/// # Errors
/// If a name is not in the set, a place cannot be written to, or a run fails.
pub fn run(args: &Args) -> Result<(), Failure> {
    let known = |name: &String| SET.iter().any(|(own, _)| own == name);
    if let Some(name) = args.only.iter().find(|name| !known(name)) {
        let names: Vec<&str> = SET.iter().map(|(name, _)| *name).collect();
        return Err(Failure::refused(tables::unknown("scenario of the set", name, &names)));
    }
    let wanted: Vec<_> =
        SET.iter().filter(|(name, _)| args.only.is_empty() || args.only.iter().any(|one| one == name)).collect();
    let mut folders = Vec::new();
    for (place, (name, text)) in wanted.iter().enumerate() {
        let folder = args.out.join("runs").join(name);
        let plan = plan(&args.out, name, text)?;
        let done =
            if manifest::is_of(&plan, &folder) { "done before".to_owned() } else { run_one(args, plan, &folder)? };
        if !folder.join("report/index.html").exists() {
            reports::write_report(&folder)?;
        }
        say(format_args!("{name} ({} of {}): {done}", place + 1, wanted.len()));
        folders.push(folder);
    }
    let into = args.out.join("report");
    let referee = reports::write_referee(&folders, &into)?;
    if args.json {
        return print(&referee.json);
    }
    print(&referee.text)?;
    let page = into.join("index.html");
    print(&format!("\n{}\n", page.display()))
}

/// The plan of a scenario of the set, whose text is put beside the runs for whoever wants to change it.
fn plan(out: &Path, name: &str, text: &str) -> Result<Plan, Failure> {
    let folder = out.join("scenarios");
    fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, text).map_err(|error| Failure::io("write", &file, &error))?;
    Plan::read(&Written::of(file))
}

/// Runs a plan into its folder, and says how long it took.
fn run_one(args: &Args, plan: Plan, folder: &Path) -> Result<String, Failure> {
    let options = Options { threads: args.threads, ..Options::for_files() };
    let totals = simulate::write(plan, &options, folder)?.totals;
    Ok(format!("{} runs in {:.1} s", totals.runs, totals.wall_s))
}
