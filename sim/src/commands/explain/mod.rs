//! `sim explain NAME`: what a key, metric, column, policy, device, word or exit code is, from its declaration.

mod entries;
#[cfg(test)]
mod pages;
mod shown;

use crate::terminal::{Failure, print};

const HELP: &str = "\
NAME is a key of a scenario (link.rtt; its last part alone will do), a metric or
column (e2e_ms_p99), a policy, a built-in device, model, engine, dataset, router
or source, a word of a table (timed_out), or an exit code (3).

Examples:
  sim explain link.rtt
  sim explain policy.msao
  sim explain energy_j_per_request
  sim explain rtx-4090 --json";

/// Explain a key, a metric, a column, a policy, a built-in name or an exit code, from its declaration.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The name to explain.
    name: String,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Explains a name.
///
/// # Errors
/// If there is no such name: the nearest is given.
pub fn run(args: &Args) -> Result<(), Failure> {
    let all = entries::all();
    let name = args.name.trim();
    let found = entries::named(&all, name);
    if found.is_empty() {
        return Err(Failure::refused(entries::unknown(&all, name)));
    }
    print(&if args.json { shown::json(&found) } else { shown::text(&found, &all) })
}

#[cfg(test)]
mod tests {
    use super::entries::Entry;
    use super::*;

    fn keys(name: &str) -> Vec<String> {
        let all = entries::all();
        entries::named(&all, name).iter().map(|entry| entry.name.clone()).collect()
    }

    #[test]
    fn a_name_is_found_whole_by_pattern_and_by_its_last_part() {
        assert_eq!(keys("link.rtt"), ["link.rtt"]);
        assert_eq!(keys("edges.phone.device"), ["edges.NAME.device"]);
        assert!(keys("rtt").contains(&"link.rtt".to_owned()), "{:?}", keys("rtt"));
        assert_eq!(keys("msao"), ["msao", "policy.msao"]);
        assert_eq!(keys("3"), ["3"]);
        assert!(keys("zebra").is_empty());
    }

    #[test]
    fn the_nearest_names_are_told() {
        let told = |name: &str| entries::unknown(&entries::all(), name);
        assert!(told("link.rt").contains("`link.rtt`"), "{}", told("link.rt"));
        assert!(told("e2e_ms_p98").contains("`e2e_ms_p99`"), "{}", told("e2e_ms_p98"));
        assert!(told("zzzzzzzzzzzz").contains("sim list"), "{}", told("zzzzzzzzzzzz"));
    }

    #[test]
    fn every_entry_is_explained() {
        for Entry { kind, name, meaning, .. } in entries::all() {
            assert!(!kind.is_empty() && !name.is_empty(), "{kind} {name}");
            assert!(
                meaning.ends_with(['.', ')', '`']) || !meaning.contains(' ') || kind != "metric",
                "{kind} {name}: {meaning}"
            );
        }
    }
}
