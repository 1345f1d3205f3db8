//! `cargo xtask mutants`: tests that hold the numbers kill what cargo-mutants breaks.

mod list;
mod outcome;
mod settings;
mod tool;

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::failure::{Failure, Outcome};
use list::Mutant;
use outcome::{Score, Verdict};
use settings::Settings;
use tool::Tool;

/// Mutants with their verdicts.
type Tested = Vec<(Mutant, Verdict)>;

const HELP: &str = "\
Breaks the code in one place at a time (a mutant) and checks that some test then fails.

All mutants of theta, of the plan with its search and of MAS are tested; of the rest of model,
policies and engine and of the reports' claims, check and compare 200, drawn by a seed. The draw
goes by a mutant's file, function and change, not by its line, so it stays while code moves.
xtask/mutants.toml has the files, the seed and the limit.

A mutant is tested by the unit tests of its own package, which takes seconds. Those that survive are
tested again by all tests of some packages, its own and those above (a mutant of policies by policies
and engine).
A test that runs longer than 20 s is stopped and has failed: a mutant may loop.

At most 5 % of the mutants that compile may survive, and each survivor is listed in
xtask/mutants.toml with a reason. An entry whose mutant is killed, or is no more, fails as well.

cargo-mutants is built into target/mutants/bin where it is missing (some minutes, from crates.io).
It works in copies of the tree, two at a time, below the system's folder for temporary files: about
8 GB. The whole takes up to 90 minutes of two cores, so it is no part of `cargo xtask test`.

  cargo xtask mutants --list             the chosen mutants, without a test
  cargo xtask mutants --only theta.rs    those whose name has this text; entries of others are left alone
  cargo xtask mutants --take 10          ten of them, spread evenly
  cargo xtask mutants --resume           go on after an interruption: what was killed stays killed";

/// The command and its help.
pub fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("mutants")
        .about("Check that tests fail when the code is broken in one place; up to 90 minutes")
        .long_about(HELP)
        .arg(flag("list").help("List the chosen mutants and test none"))
        .arg(flag("resume").help("Leave out what an interrupted run has killed"))
        .arg(Arg::new("only").long("only").value_name("TEXT").help("Only mutants whose name has this text"))
        .arg(
            Arg::new("take")
                .long("take")
                .value_name("NUMBER")
                .value_parser(value_parser!(usize))
                .help("Only this many of them, spread evenly"),
        )
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("NUMBER")
                .default_value("2")
                .value_parser(value_parser!(usize))
                .help("Copies of the tree that are built and tested at a time"),
        )
}

/// Lists, chooses, tests and judges.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let settings = Settings::read()?;
    let tool = Tool::obtain(&settings.version)?;
    let all = list::choose(&tool.listed, &settings)?;
    let mut chosen = all.clone();
    if let Some(text) = arguments.get_one::<String>("only") {
        chosen.retain(|mutant| mutant.name.contains(text.as_str()));
    }
    if let Some(count) = arguments.get_one::<usize>("take") {
        chosen = list::spread(chosen, *count);
    }
    if arguments.get_flag("list") {
        chosen.iter().for_each(|mutant| println!("{}", mutant.name));
        println!("{} of {} mutants", chosen.len(), tool.listed.len());
        return Ok(());
    }
    let is_whole = chosen.len() == all.len();
    let jobs = *arguments.get_one("jobs").unwrap_or(&2);
    let mut tested = Tested::new();
    for (package, mutants) in by_package(chosen) {
        let above = settings.above.get(&package).map_or(&[][..], Vec::as_slice);
        tested.extend(judged(&tool, mutants, above, jobs, arguments.get_flag("resume"))?);
    }
    let score = Score::of(&tested);
    print!("{score}");
    Failure::unless_none(outcome::findings(&score, &settings, is_whole.then_some(&tool.listed[..])))
}

fn by_package(mutants: Vec<Mutant>) -> BTreeMap<String, Vec<Mutant>> {
    let mut packages = BTreeMap::<_, Vec<_>>::new();
    mutants.into_iter().for_each(|mutant| packages.entry(mutant.package.clone()).or_default().push(mutant));
    packages
}

/// Tests the mutants of a package by its unit tests, and the survivors by all tests of the packages above. Where only the package
/// itself is above, all its tests judge at once: it has no unit tests to speak of.
fn judged(tool: &Tool, mutants: Vec<Mutant>, above: &[String], jobs: usize, resume: bool) -> Outcome<Tested> {
    if matches!(above, [only] if *only == mutants[0].package) {
        let verdicts = tool.test(&mutants, above, jobs, resume)?;
        return Ok(mutants.into_iter().zip(verdicts).collect());
    }
    let verdicts = tool.test(&mutants, &[], jobs, resume)?;
    let mut tested: Tested = mutants.into_iter().zip(verdicts).collect();
    let mut survived: Vec<_> = tested.iter_mut().filter(|(_, verdict)| *verdict == Verdict::Survived).collect();
    if above.is_empty() || survived.is_empty() {
        return Ok(tested);
    }
    println!("== {} survivors, by the tests of {}", survived.len(), above.join(" and "));
    let again: Vec<_> = survived.iter().map(|(mutant, _)| mutant.clone()).collect();
    let verdicts = tool.test(&again, above, jobs, resume)?;
    survived.iter_mut().zip(verdicts).for_each(|((_, known), verdict)| *known = verdict);
    Ok(tested)
}
