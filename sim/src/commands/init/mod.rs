//! `sim init`: a commented scenario for the user's own edge, cloud, link, workload and goal.

mod ask;
mod choices;
#[cfg(test)]
mod tests;
mod text;

use crate::results::whole_file;
use crate::terminal::{Failure, say};
use choices::{CLOUDS, Choice, EDGES, GOALS, LINKS, Wishes, workloads};
use std::io::{IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};

/// File beside the scenario that its `#:schema` line names.
const SCHEMA: &str = "scenario.schema.json";

/// The names that each flag offers, and the examples.
fn after_help() -> String {
    let listed = |flag: &str, choices: &[Choice]| {
        let line = |choice: &Choice| format!("  {:<16} {}\n", choice.name, choice.words);
        format!("{flag}:\n{}\n", choices.iter().map(line).collect::<String>())
    };
    let offered = [
        listed("--edge", &choices::of(&EDGES)),
        listed("--cloud", &choices::of(&CLOUDS)),
        listed("--link", &choices::of(&LINKS)),
        listed("--workload", &workloads()),
        listed("--goal", &choices::of(&GOALS)),
    ];
    let own = "--edge and --cloud also take any name of `sim list devices`, --link a rate and a round trip: \"20 Mbps, 40 ms\".";
    format!("{}{own}\n\n{EXAMPLES}", offered.concat())
}

const EXAMPLES: &str = "\
Examples:
  sim init                                               asks, on a terminal
  sim init --edge phone --cloud h100 --goal drafting     the rest by default
  sim init mine.toml --edge jetson-orin-nano-8 --edges 8 --link \"20 Mbps, 40 ms\"";

/// Write a commented scenario of your own edge, cloud, link, workload and goal, which runs as it stands.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// The scenario file to write [default: GOAL.toml].
    file: Option<PathBuf>,
    /// The edge's kind, or the name of a device [default: phone].
    #[arg(long, value_name = "NAME")]
    edge: Option<String>,
    /// Number of edges that share the link.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    edges: u32,
    /// The cloud's GPU [default: a100].
    #[arg(long, value_name = "NAME")]
    cloud: Option<String>,
    /// The link, or its rate and round trip [default: wifi].
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// The dataset that requests are drawn from [default: vqav2].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// The question that the scenario answers [default: drafting].
    #[arg(long, value_name = "NAME")]
    goal: Option<String>,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
}

/// Writes the scenario, and the schema beside it for editors.
///
/// # Errors
/// If a name is not known, or a file cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let wishes = wishes(args)?;
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", wishes.goal.choice.name)));
    let name = name_of(&file)?;
    if file.exists() && !args.force {
        let remedy = "name another file, or replace it with --force";
        return Err(Failure::refused(format!("{}: it is there already; {remedy}", file.display())));
    }
    whole_file::write(&file, &text::scenario(&wishes, &name, &file))?;
    let schema = file.with_file_name(SCHEMA);
    if !schema.exists() {
        whole_file::write(&schema, &super::schema::text())?;
    }
    say(format_args!("wrote {}: {}", file.display(), wishes.words()));
    say(format_args!("{}: {}", wishes.goal.choice.words, text::command(&wishes, &file)));
    Ok(())
}

/// The answers, from the flags, from the terminal where one is there, or by default.
fn wishes(args: &Args) -> Result<Wishes, Failure> {
    let given = [&args.edge, &args.cloud, &args.link, &args.workload, &args.goal].map(Option::as_deref);
    let asks = given.iter().any(Option::is_none) && stdin().is_terminal() && stderr().is_terminal();
    let answers = match asks {
        true => ask::answers(given, &mut stdin().lock(), &mut stderr())?,
        false => given.map(|given| given.map(str::to_owned)),
    };
    Wishes::read(&answers, args.edges)
}

/// The scenario's name, which is that of its file.
fn name_of(file: &Path) -> Result<String, Failure> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let stem = file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.chars().all(is_safe));
    match stem.filter(|_| file.extension().is_some_and(|ending| ending == "toml")) {
        Some(stem) => Ok(stem.to_owned()),
        None => {
            let expected = "expected a name of letters, digits, `-` and `_` that ends in .toml, as in mine.toml";
            Err(Failure::refused(format!("{}: {expected}", file.display())))
        }
    }
}
