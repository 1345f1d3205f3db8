//! Names of folders and links between them.

use std::path::{Component, Path, PathBuf};

/// The names of several folders: the last part of the path, or the whole path if that is not unique. One alone has no
/// name.
pub(super) fn names(paths: &[PathBuf]) -> Vec<Option<String>> {
    if paths.len() < 2 {
        return paths.iter().map(|_| None).collect();
    }
    let last = |path: &PathBuf| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let lasts: Vec<String> = paths.iter().map(last).collect();
    let is_alone = |name: &String| !name.is_empty() && lasts.iter().filter(|other| *other == name).count() == 1;
    let name = |(path, last): (&PathBuf, &String)| {
        Some(if is_alone(last) { last.clone() } else { path.display().to_string() })
    };
    paths.iter().zip(&lasts).map(name).collect()
}

/// The link from one folder to another: empty, or with a slash at its end.
pub(crate) fn relative(from: &Path, to: &Path) -> String {
    let (from, to) = (normal(from), normal(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("../".to_owned(), from.len() - shared);
    let down = to[shared..].iter().map(|part| format!("{}/", encoded(part)));
    up.chain(down).collect()
}

/// The parts of a path from the root on.
fn normal(path: &Path) -> Vec<String> {
    // The empty path is the folder that we are in.
    let path = Path::new(".").join(path);
    let path = std::path::absolute(&path).unwrap_or(path);
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    parts
}

/// A name as a part of a link.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative() {
        let link = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(link("a/report", "a/report"), "");
        assert_eq!(link("/r/a/report", "/r/b c/report"), "../../b%20c/report/");
        assert_eq!(link("", "a/../b/report"), "b/report/");
        assert_eq!(link("/x", "/x/a#1/é?"), "a%231/%C3%A9%3F/");
    }

    #[test]
    fn folders_are_told_apart() {
        let of = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            names(&paths).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(of(&["r/a"]), [""]);
        assert_eq!(of(&["r/a", "r/b"]), ["a", "b"]);
        assert_eq!(of(&["r/a", "s/a", "b"]), ["r/a", "s/a", "b"]);
    }
}
