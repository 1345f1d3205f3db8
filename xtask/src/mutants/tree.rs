//! The trees that cargo-mutants breaks: copies of the working tree, each with a target folder of its own. They stay from run to
//! run, so that only what has changed is built again.
//!
//! cargo-mutants can copy trees too, for each call anew. Its copies lose the times of files, so cargo builds most dependencies again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Outcome;
use crate::house::root;

/// The folder that cargo builds in.
const TARGET: &str = "target";

/// Makes a tree equal to the working tree: files that differ are written, files that are no more are removed.
pub fn renew(tree: &Path) -> Outcome {
    let wanted: BTreeSet<PathBuf> = tracked()?.into_iter().collect();
    for file in &wanted {
        let (from, to) = (root().join(file), tree.join(file));
        let content = fs::read(&from).map_err(|e| format!("{} cannot be read: {e}", from.display()))?;
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        let written = fs::create_dir_all(to.parent().unwrap_or(tree)).and_then(|()| fs::copy(&from, &to));
        written.map_err(|e| format!("{} cannot be written: {e}", to.display()))?;
    }
    for file in files(tree, tree)?.into_iter().filter(|file| !wanted.contains(file)) {
        let file = tree.join(file);
        fs::remove_file(&file).map_err(|e| format!("{} cannot be removed: {e}", file.display()))?;
    }
    Ok(())
}

/// Gives a new tree what another has built, with the times of its files. Without `cp` the tree builds by itself.
pub fn share(built: &Path, tree: &Path) -> Outcome {
    if tree.join(TARGET).exists() || !built.join(TARGET).exists() {
        return Ok(());
    }
    fs::create_dir_all(tree).map_err(|e| format!("{} cannot be made: {e}", tree.display()))?;
    // A copy without its end is as good as none: cargo builds what is not there.
    let _ = Command::new("cp").arg("-a").arg(built.join(TARGET)).arg(tree.join(TARGET)).status();
    Ok(())
}

/// The files that git knows or would add, by their paths from the root; without those that are deleted.
fn tracked() -> Outcome<Vec<PathBuf>> {
    let asked = Command::new("git").args(["ls-files", "-z", "-co", "--exclude-standard"]).current_dir(root()).output();
    let told = asked.map_err(|e| format!("git did not start: {e}"))?;
    if !told.status.success() {
        return Err(format!("`git ls-files` failed: {}", String::from_utf8_lossy(&told.stderr).trim()).into());
    }
    let told = String::from_utf8_lossy(&told.stdout);
    let names = told.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(names.filter(|name| root().join(name).is_file()).collect())
}

/// All files of a tree but those that were built, by their paths from it.
fn files(tree: &Path, folder: &Path) -> Outcome<Vec<PathBuf>> {
    let cannot = |e| format!("{} cannot be listed: {e}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.strip_prefix(tree).unwrap_or(&path).to_path_buf();
        match path.is_dir() {
            true if name == Path::new(TARGET) => {}
            true => found.extend(files(tree, &path)?),
            false => found.push(name),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_files_of_today_and_keeps_what_it_built() {
        let tree = std::env::temp_dir().join(format!("mutants-tree-{}", std::process::id()));
        renew(&tree).unwrap();
        let (own, old, built) = (tree.join("Cargo.toml"), tree.join("sim/old.rs"), tree.join("target/built"));
        fs::create_dir_all(tree.join("target")).unwrap();
        for file in [&own, &old, &built] {
            fs::write(file, "broken").unwrap();
        }
        renew(&tree).unwrap();
        assert_eq!(fs::read(&own).unwrap(), fs::read(root().join("Cargo.toml")).unwrap());
        assert!(!old.exists() && built.exists());
        let other = tree.with_extension("other");
        share(&tree, &other).unwrap();
        assert!(other.join("target/built").exists());
        for folder in [tree, other] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
