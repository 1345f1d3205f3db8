//! Help, and what happens at the ends of a pipe.

use crate::support::Sim;

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

/// Whoever reads may go away at any time. The reader here goes before the first line: it is `true`, and the run waits for it.
#[test]
fn a_closed_pipe_is_no_failure() {
    let sim = Sim::small();
    for run in ["$SIM schema", "$SIM show small.toml", "$SIM small.toml"] {
        for ends in ["| true", "2>&1 | true", "3>&1 >/dev/null 2>&3 | true"] {
            let line = format!("{{ sleep 0.05; {run}; echo $? > code; }} {ends}");
            let output = sim.shell(&line);
            assert!(!output.stderr.contains("panic"), "{line}: {}", output.stderr);
            assert_eq!(sim.text("code"), "0\n", "{line}: {}", output.stderr);
        }
    }
    assert_eq!(sim.shell("{ $SIM small.toml --set link.rt=1; echo $? > code; } 2>&1 | true").code, Some(0));
    assert_eq!(sim.text("code"), "2\n");
}
