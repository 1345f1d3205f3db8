//! Mistakes on the command line that clap has no words for: a command that there is not, and a value that the shell split.

use clap::CommandFactory;
use std::ffi::OsString;
use std::path::Path;
use units::{BitsPerSecond, Bytes, BytesPerSecond, FlopsPerSecond, PerSecond, Ratio, SimDuration, Watts};

/// Words that stand for running a scenario in other programs.
const RUN: [&str; 4] = ["run", "simulate", "start", "exec"];

/// The message that helps, if the arguments hold a mistake that is known; `refused` if clap refused them.
pub fn explained(args: &[OsString], refused: bool) -> Option<String> {
    let words: Vec<&str> = args.iter().skip(1).map(|arg| arg.to_str().unwrap_or_default()).collect();
    split_value(&words, refused).or_else(|| refused.then(|| unknown_command(&words)).flatten())
}

/// The message that helps where a scenario was named that is not there.
pub fn no_such_scenario(args: &[OsString], scenario: &Path) -> Option<String> {
    let words: Vec<&str> = args.iter().skip(1).map(|arg| arg.to_str().unwrap_or_default()).collect();
    (!scenario.exists() && words.first().is_some_and(|first| Path::new(first) == scenario))
        .then(|| unknown_command(&words))
        .flatten()
}

/// A word in place of a command that is neither a command nor a scenario.
fn unknown_command(words: &[&str]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let is_word = !first.is_empty() && first.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    if !is_word || first.starts_with('-') || Path::new(first).exists() || commands().iter().any(|name| name == first) {
        return None;
    }
    let line = |start: &str| format!("{start} {}", rest.join(" ")).trim().to_owned();
    if RUN.contains(first) {
        return Some(format!("no command `{first}`: a scenario is run by its name alone, as in `{}`", line("sim")));
    }
    let distance = |name: &String| strsim::damerau_levenshtein(first, name);
    let nearest = commands().into_iter().min_by_key(distance)?;
    let known = commands().join(", ");
    Some(if distance(&nearest) <= 1 + first.len() / 3 {
        format!("no command `{first}`; did you mean `{}`?", line(&format!("sim {nearest}")))
    } else {
        format!("no command and no file `{first}` (commands: {known}); a scenario is run by `sim SCENARIO.toml`")
    })
}

/// The names of all commands.
fn commands() -> Vec<String> {
    let command = crate::cli::Cli::command();
    command.get_subcommands().map(|command| command.get_name().to_owned()).chain(["help".to_owned()]).collect()
}

/// A value of `--set` whose rest became a word of its own, since nothing quoted it.
fn split_value(words: &[&str], refused: bool) -> Option<String> {
    let pairs = words.iter().enumerate().filter_map(|(at, word)| match *word {
        "--set" => Some((*words.get(at + 1)?, words.get(at + 2..)?)),
        _ => Some((word.strip_prefix("--set=")?, words.get(at + 1..)?)),
    });
    pairs.filter(|(_, rest)| !rest.is_empty()).find_map(|(set, rest)| {
        let next = rest[0];
        let stray = !next.starts_with('-') && !next.ends_with(".toml") && !Path::new(next).exists();
        if !stray || next.is_empty() {
            return None;
        }
        match set.split_once('=') {
            Some((_, value)) if is_quantity(value, next) || refused => Some(format!(
                "--set {set} {next}: the shell split it at the space; quote it, as in --set '{set} {next}'"
            )),
            None if next.starts_with('=') && refused => {
                Some(format!("--set {set} {next}: expected key=value without spaces, as in --set 'link.rtt=80 ms'"))
            }
            _ => None,
        }
    })
}

/// True if a number and a word are an amount together, as `80` and `ms` are.
fn is_quantity(number: &str, unit: &str) -> bool {
    let text = format!("{number} {unit}");
    let of = [
        text.parse::<SimDuration>().is_ok(),
        text.parse::<Bytes>().is_ok(),
        text.parse::<BitsPerSecond>().is_ok(),
        text.parse::<BytesPerSecond>().is_ok(),
        text.parse::<FlopsPerSecond>().is_ok(),
        text.parse::<PerSecond>().is_ok(),
        text.parse::<Ratio>().is_ok(),
        text.parse::<Watts>().is_ok(),
    ];
    number.parse::<f64>().is_ok() && of.contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, refused: bool) -> Option<String> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        explained(&args, refused)
    }

    #[test]
    fn the_nearest_command_is_named() {
        let cases = [
            ("sim swep x.toml", "did you mean `sim sweep x.toml`?"),
            ("sim chek out --baseline b", "did you mean `sim check out --baseline b`?"),
            ("sim run x.toml --twice", "as in `sim x.toml --twice`"),
            ("sim zzzzzz x.toml", "no command and no file `zzzzzz`"),
        ];
        for (line, expected) in cases {
            assert!(said(line, true).is_some_and(|said| said.contains(expected)), "{line}: {:?}", said(line, true));
            assert_eq!(said(line, false), None, "{line}");
        }
        assert_eq!(said("sim sweep --zebra", true), None);
        assert_eq!(said("sim x.toml --zebra", true), None);
    }

    #[test]
    fn a_value_that_the_shell_split_is_shown_quoted() {
        for (line, refused) in [
            ("sim x.toml --set link.rtt=80 ms", true),
            ("sim --set link.rtt=80 ms", false),
            ("sim sweep --set=link.rtt=80 ms x.toml", false),
        ] {
            let said = said(line, refused).unwrap_or_default();
            assert!(said.contains("as in --set 'link.rtt=80 ms'"), "{line}: {said}");
        }
        assert!(said("sim x.toml --set link.rtt = 80", true).is_some_and(|said| said.contains("without spaces")));
        assert_eq!(said("sim --set seed=8 x.toml", false), None);
        assert_eq!(said("sim x.toml --set link.rtt=80ms --twice", true), None);
    }
}
