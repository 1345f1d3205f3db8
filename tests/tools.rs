//! Programs that tests need beside `sim`: Slurm, GNU parallel, a checker of Kubernetes files, a
//! browser, axe-core, NumPy, pandas, polars, a terminal. `cargo xtask test` obtains them.
//!
//! Where they are missing their tests have nothing to test: each says that it was skipped, and
//! [`tool_tests_that_were_skipped`] lists them all, which nextest shows. Under `CI=true` that is a failure.

use crate::support::aloud;
use std::path::{Path, PathBuf};

/// The programs that tests need; a test calls [`are_there`] with its name.
const NEEDS: [(&str, &[&str]); 15] = [
    ("slurm_survives_a_crash_a_dead_node_and_lost_parts", &SLURM),
    ("slurm_flag_submits_waits_and_merges", &SLURM),
    ("parallel_runs_the_emitted_script", &["parallel"]),
    ("kubernetes_job_follows_the_schema", &["kubernetes-validate"]),
    ("external_examples_run_as_documented", &["numpy-config"]),
    // It comes with matplotlib, as polars and pandas do by the same list.
    ("python_reads_results_as_numbers_and_plots_them", &["fonttools"]),
    ("a_first_scenario_is_asked_for_on_a_terminal", &["script"]),
    ("the_table_fits_the_terminal_and_a_pipe_has_all_columns", &["script"]),
    ("page_loads_alone_and_its_table_sorts_and_filters", &["chromium"]),
    ("page_works_with_the_keyboard_alone", &["chromium"]),
    ("page_draws_the_values_of_the_summary", &["chromium"]),
    ("page_says_how_to_get_the_same_numbers", &["chromium"]),
    ("page_stands_the_dark_paper_and_narrow_screens", &["chromium"]),
    ("tab_comes_to_every_control_and_goes_on", &["chromium"]),
    ("axe_has_no_serious_finding_in_either_theme", &["chromium", "axe.min.js"]),
];

const SLURM: [&str; 3] = ["slurmctld", "slurmd", "sbatch"];

/// A program in the PATH, where Debian puts daemons, or where `cargo xtask test` puts packages of Python and of npm.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder that cargo builds in");
    let more = [PathBuf::from("/usr/sbin"), target.join("python/bin"), target.join("node/node_modules/axe-core")];
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// True if all programs are there that a test needs.
pub fn are_there(test: &str) -> bool {
    let (_, needs) = NEEDS.iter().find(|(name, _)| *name == test).expect("a test in the list");
    let missing: Vec<_> = needs.iter().filter(|program| find(program).is_none()).collect();
    if !missing.is_empty() {
        aloud(&format!("skipped: {test}: {missing:?} not on this machine; cargo xtask test obtains what it can"));
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing:?} not there, and nothing is skipped in CI");
    }
    missing.is_empty()
}

#[test]
fn tool_tests_that_were_skipped() {
    for (test, _) in NEEDS {
        are_there(test);
    }
}
