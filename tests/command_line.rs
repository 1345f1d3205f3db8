//! Help, and what happens at the ends of a pipe.

use crate::support::Sim;
use std::process::Stdio;

#[test]
fn help() {
    let sim = Sim::new();
    insta::assert_snapshot!("help", sim.done(["--help"]).stdout);
    insta::assert_snapshot!("help_show", sim.done(["show", "--help"]).stdout);
}

#[test]
fn nothing_to_do_is_answered_with_help() {
    let sim = Sim::new();
    let output = sim.run::<&str>([]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    assert!(output.stderr.contains("Usage: sim [OPTIONS] <SCENARIO>"), "{}", output.stderr);
    assert!(output.stderr.contains("Examples:"), "{}", output.stderr);
    assert!(sim.names("").is_empty());
}

#[test]
fn version() {
    assert_eq!(Sim::new().done(["--version"]).stdout, format!("sim {}\n", env!("CARGO_PKG_VERSION")));
}

/// Whoever reads may go away at any time, as `head -1` does: of the table, of the messages, or of both.
#[test]
fn a_closed_pipe_is_no_failure() {
    let sim = Sim::small();
    let code = |line: &str, gone: [bool; 2]| {
        let [stdout, stderr] = gone.map(|gone| if gone { nobody() } else { Stdio::null() });
        let mut command = sim.command(env!("CARGO_BIN_EXE_sim"));
        command.args(line.split(' ')).stdout(stdout).stderr(stderr).status().expect("sim starts").code()
    };
    for gone in [[true, false], [false, true], [true, true]] {
        for line in ["schema", "show small.toml", "small.toml"] {
            assert_eq!(code(line, gone), Some(0), "{line} with {gone:?}");
        }
        assert_eq!(code("small.toml --set link.rt=1", gone), Some(2), "with {gone:?}");
    }
}

/// The end of a pipe that nobody reads.
fn nobody() -> Stdio {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}
