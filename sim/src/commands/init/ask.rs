//! The questions that `sim init` asks on a terminal.

use super::choices::{Choice, kinds};
use crate::terminal::Failure;
use std::io::{self, BufRead, Write};

/// Asks for what is not given. An answer is a number of the list or a name; an empty one is the default.
///
/// # Errors
/// If the terminal cannot be read or written to.
pub fn answers(
    given: [Option<&str>; 5],
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<[Option<String>; 5], Failure> {
    let mut answers = given.map(|given| given.map(str::to_owned));
    for ((kind, choices, default), answer) in kinds().into_iter().zip(&mut answers) {
        if answer.is_none() {
            let asked = ask(kind, &choices, default, input, output);
            *answer = Some(asked.map_err(|error| {
                Failure::refused(format!("cannot ask for the {kind}: {error}; name it with --{kind}"))
            })?);
        }
    }
    Ok(answers)
}

/// Asks until the answer is a name, a number of the list, or nothing.
fn ask(
    kind: &str,
    choices: &[Choice],
    default: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<String> {
    for (number, Choice { name, words }) in choices.iter().enumerate() {
        writeln!(output, "{:>4}  {name:<10} {words}", number + 1)?;
    }
    loop {
        write!(output, "{kind} [{default}]: ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match chosen(line.trim(), choices, default) {
            Some(name) => return Ok(name),
            None => writeln!(output, "expected a number from 1 to {}, or a name", choices.len())?,
        }
    }
}

/// The name that an answer means. Names are judged with the flags.
fn chosen(answer: &str, choices: &[Choice], default: &str) -> Option<String> {
    match answer.parse::<usize>() {
        _ if answer.is_empty() => Some(default.to_owned()),
        Ok(number) => Some(choices.get(number.checked_sub(1)?)?.name.to_owned()),
        Err(_) => Some(answer.to_owned()),
    }
}
