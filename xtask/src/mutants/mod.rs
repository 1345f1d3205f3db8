//! `cargo xtask mutants`: tests that hold the numbers kill what cargo-mutants breaks.

mod list;
mod outcome;
mod settings;
mod tool;
mod tree;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::failure::{Failure, Outcome};
use list::Mutant;
use outcome::{Score, Verdict};
use settings::Settings;
use tool::{Tests, Tool};

/// Mutants with their verdicts.
type Tested = Vec<(Mutant, Verdict)>;

const HELP: &str = "\
Breaks the code in one place at a time (a mutant) and checks that some test then fails.

All mutants of theta, of the plan with its search and of MAS are tested; of the rest of model,
policies and engine and of the reports' claims, check and compare 200, drawn by a seed. The draw
goes by a mutant's file, function and change, not by its line, so it stays while code moves.
xtask/mutants.toml has the files, the seed and the limit.

A mutant is tested by the unit tests of its own file, which takes seconds. Those that survive are
tested again by all unit tests of their package, and then, unless they are accepted, by all tests of
some packages, their own and those above (a mutant of policies by policies and engine).
Tests that take too long are stopped and have failed, since a mutant may loop: unit tests after 60 s in
all, each of the others after 120 s.

At most 5 % of the mutants that compile may survive, and each survivor is listed in
xtask/mutants.toml with a reason. An entry whose mutant is killed, or is no more, fails as well.

cargo-mutants is built into target/mutants/bin where it is missing (some minutes, from crates.io).
It works in copies of the tree, two at a time, which stay in target/mutants: about 4 GB. The whole
takes some hours of two cores that do nothing else: the unit tests of policies one (with theta, the plan
and its search), each mutant that all tests of engine judge a minute or two. So it is no part of
`cargo xtask test`.

  cargo xtask mutants --list             the chosen mutants, without a test
  cargo xtask mutants --only theta.rs    those whose name has this text; entries of others are left alone
  cargo xtask mutants --take 10          ten of them, spread evenly
  cargo xtask mutants --resume           go on after an interruption: what was killed stays killed";

/// The command and its help.
pub fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("mutants")
        .about("Check that tests fail when the code is broken in one place; some hours")
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
                .help("Copies of the tree that mutants are tested in at a time"),
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
    for (_, mutants) in list::by_package(chosen) {
        tested.extend(judged(&tool, &settings, mutants, jobs, arguments.get_flag("resume"))?);
    }
    let score = Score::of(&tested);
    print!("{score}");
    Failure::unless_none(outcome::findings(&score, &settings, is_whole.then_some(&tool.listed[..])))
}

/// Tests the mutants of a package by the tests of their own file, those that survive or have none by all unit tests of the package,
/// and what still survives by all tests of the packages above. Where only the package itself is above, all its tests judge at once: it has no unit
/// tests to speak of.
fn judged(tool: &Tool, settings: &Settings, mutants: Vec<Mutant>, jobs: usize, resume: bool) -> Outcome<Tested> {
    let package = mutants[0].package.clone();
    let above = settings.above.get(&package).map_or(&[][..], Vec::as_slice);
    if matches!(above, [only] if *only == package) {
        let verdicts = tool.test(&mutants, Tests::All(above), jobs, resume)?;
        return Ok(mutants.into_iter().zip(verdicts).collect());
    }
    let mut tested = Tested::new();
    for (module, mutants) in list::by_module(mutants, &settings.all) {
        if module.is_empty() {
            tested.extend(mutants.into_iter().map(|mutant| (mutant, Verdict::Survived)));
            continue;
        }
        let is_optimised = mutants.iter().any(|mutant| list::is_below(mutant, &settings.optimised));
        let by = Tests::Unit { package: &package, module: &module, is_optimised };
        let verdicts = tool.test(&mutants, by, jobs, resume)?;
        tested.extend(mutants.into_iter().zip(verdicts));
    }
    let again = |tested: &mut Tested, by: Tests<'_>, told: &str| {
        let mut survived: Vec<_> = tested.iter_mut().filter(|(_, verdict)| *verdict == Verdict::Survived).collect();
        // All tests take minutes: who is accepted is spared them.
        if matches!(by, Tests::All(_)) {
            let keys: Vec<String> = survived.iter().map(|(mutant, _)| mutant.key()).collect();
            let mut spared = settings.spared(keys.iter().map(String::as_str)).into_iter();
            survived.retain(|_| spared.next() == Some(false));
        }
        if survived.is_empty() {
            return Ok(());
        }
        println!("== {} mutants, by {told}", survived.len());
        let mutants: Vec<_> = survived.iter().map(|(mutant, _)| mutant.clone()).collect();
        let verdicts = tool.test(&mutants, by, jobs, resume)?;
        survived.iter_mut().zip(verdicts).for_each(|((_, known), verdict)| *known = verdict);
        Outcome::Ok(())
    };
    let by = Tests::Unit { package: &package, module: "", is_optimised: true };
    again(&mut tested, by, &format!("all unit tests of {package}"))?;
    if !above.is_empty() {
        again(&mut tested, Tests::All(above), &format!("the tests of {}", above.join(" and ")))?;
    }
    Ok(tested)
}
