//! `cargo xtask floors`: a package stands above all that it imports, and so does a module.

mod circles;
mod modules;
mod packages;

use clap::{Arg, ArgMatches, Command};

use crate::failure::{Failure, Outcome};
use crate::house::{House, Package, root};
use crate::source::Tree;

const HELP: &str = "\
Checks that every package and every module stands above all that it imports, and prints the house.

Packages. The floors are [workspace.metadata.floors] in the root Cargo.toml; the imports are what
`cargo metadata` says. Each import between packages of the workspace must go strictly down: packages
on one floor do not know each other. Build and dev dependencies count as well; a test that needs a
higher floor belongs to that floor's package, or to tests/ at the root, which the top floor owns.
Every package has a floor and every floor a package; only xtask has none, imports nothing of the
house, and is imported by nothing.

Modules. Of every package, at every level of its folders, the modules of one parent must not import
each other in a circle. An import is any path in the source that leads to another module: of `use`,
of expressions, types and patterns, of the tokens of macros, and of quoted paths in attributes. It
is followed through re-exports: with `pub use testbed::Batch` in lib.rs, `crate::Batch` is an import
of `testbed`. An item of the parent's own text passes its imports on: whoever names `crate::plan`, a
function in main.rs, imports all that the function and the items behind it name. A main.rs lends
nothing at all to its modules. Code for tests alone (`#[cfg(test)]`) is left out: a test may look
at whatever it likes. A method whose type is not named is not seen.

A package with [package.metadata.floors] in its Cargo.toml holds its top-level modules to floors, as
packages are held: each is named there, imports go strictly down, and modules on one floor do not
know each other:

    [package.metadata.floors]
    units = 0
    grid = 1

`cargo xtask floors PACKAGE` draws the modules of a package: each on its floor, or, where it has no
table, on the lowest floor that its imports allow.";

/// The command and its help.
pub fn command() -> Command {
    Command::new("floors")
        .about("Check that packages and modules stand above all that they import, and print the house")
        .long_about(HELP)
        .arg(Arg::new("package").value_name("PACKAGE").help("Draw the modules of this package instead"))
}

/// Reads the house from cargo and judges it.
pub fn run(arguments: &ArgMatches) -> Outcome {
    match arguments.get_one::<String>("package") {
        Some(name) => draw(name),
        None => check(),
    }
}

/// Packages and modules.
pub fn check() -> Outcome {
    let house = House::read()?;
    let mut findings = packages::findings(&house);
    let mut modules = 0;
    for package in &house.packages {
        for tree in trees(package)? {
            modules += tree.modules.len();
            findings.extend(modules::findings(package, &tree));
        }
    }
    Failure::unless_none(findings)?;
    print!("{}", packages::draw(&house));
    println!("{modules} modules, no circle");
    Ok(())
}

fn draw(name: &str) -> Outcome {
    let house = House::read()?;
    let names: Vec<_> = house.packages.iter().map(|package| package.name.as_str()).collect();
    let package = house.packages.iter().find(|package| package.name == name);
    let package =
        package.ok_or_else(|| format!("`{name}` is no package of the workspace; it has {}", names.join(", ")))?;
    for tree in trees(package)? {
        print!("{}", modules::draw(package, &tree));
    }
    Ok(())
}

/// The crates of a package: its library and its binaries.
fn trees(package: &Package) -> Outcome<Vec<Tree>> {
    package.roots.iter().map(|file| Tree::read(&root(), file)).collect()
}
