//! `cargo xtask network-free`: the binary carries no HTTP or TLS client.

use clap::{ArgMatches, Command};

use crate::failure::{Failure, Outcome};
use crate::house::cargo_says;

/// HTTP and TLS clients. Each stands for its family too: `hyper` also means `hyper-util`.
const REFUSED: &[&str] =
    &["aws-lc", "curl", "hyper", "native-tls", "object_store", "openssl", "reqwest", "ring", "rustls", "ureq"];

const HELP: &str = "\
Checks that no HTTP or TLS client is linked into the binary `sim`.

A simulator has no business on the network: whoever runs it on confidential traces can see that it
cannot send them anywhere, and nobody waits for a TLS stack to compile. The usual way in is a
feature: polars' `parquet`, `csv` and `json` switch on streaming and with it object_store, reqwest,
rustls and ring. The failure shows the path by which the client came (`cargo tree --invert`).";

/// The command and its help.
pub fn command() -> Command {
    Command::new("network-free").about("Check that no HTTP or TLS client is linked into `sim`").long_about(HELP)
}

/// Asks `cargo tree` what `sim` links and judges it.
pub fn run(_: &ArgMatches) -> Outcome {
    check()
}

/// The same as a step of `cargo xtask test`.
pub fn check() -> Outcome {
    let tree = cargo_says(&["tree", "-p", "sim", "-e", "normal", "--prefix", "none"])?;
    let mut findings = Vec::new();
    for spec in refused(&tree) {
        let why = cargo_says(&["tree", "-p", "sim", "-e", "normal", "--prefix", "none", "-i", &spec]);
        findings.push(format!(
            "`{spec}` is linked into `sim`, expected no HTTP or TLS client; switch off the feature or dependency that imports it: {}",
            why.map_or_else(|_| format!("see `cargo tree -p sim -i {spec}`"), |tree| path(&tree)),
        ));
    }
    Failure::unless_none(findings)?;
    println!("{} packages are linked into `sim`, none speaks HTTP or TLS", specs(&tree).len());
    Ok(())
}

/// The packages of a tree as `name@version`, sorted, each once.
fn specs(tree: &str) -> Vec<String> {
    let mut specs: Vec<_> = tree.lines().filter_map(spec).collect();
    specs.sort();
    specs.dedup();
    specs
}

/// A line is `name v1.2.3 (path or mark)`.
fn spec(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    Some(format!("{name}@{}", version.strip_prefix('v')?))
}

/// Those of a tree that are refused.
fn refused(tree: &str) -> Vec<String> {
    let mut specs = specs(tree);
    specs.retain(|spec| {
        let name = spec.split('@').next().unwrap_or(spec);
        REFUSED.iter().any(|refused| is_of_family(name, refused))
    });
    specs
}

fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The first way up through an inverted tree, as far as `sim` itself.
fn path(inverted: &str) -> String {
    let mut names = Vec::new();
    for name in inverted.lines().filter_map(|l| l.split_whitespace().next()) {
        names.push(name);
        if name == "sim" {
            break;
        }
    }
    names.join(" <- ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
sim v0.1.0 (/h/sim)
polars v0.55.2
ring v0.17.1
hyper-util v0.1.0
ring v0.17.1 (*)

ringbuffer v0.1.0
parquet v60.0.0
";

    #[test]
    fn clients_are_found_with_their_families_and_namesakes_are_not() {
        assert_eq!(refused(TREE), ["hyper-util@0.1.0", "ring@0.17.1"]);
    }

    #[test]
    fn a_tree_without_clients_passes() {
        assert!(refused("sim v0.1.0\nserde v1.0.0 (*)\n").is_empty());
    }

    #[test]
    fn the_path_ends_at_the_binary() {
        let inverted = "ring v0.17.1\nrustls v0.23.0\nreports v0.1.0 (/h)\nsim v0.1.0 (/h)\nureq v3.0.0\n";
        assert_eq!(path(inverted), "ring <- rustls <- reports <- sim");
    }
}
