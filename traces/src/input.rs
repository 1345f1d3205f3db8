//! Input files: opened only where they are files, and read into memory only up to a bound.
//!
//! An input is read more than once, to hash it and to use it. So a pipe cannot be one, and a device such as `/dev/zero`
//! would never end.

use std::{
    fs::{File, metadata, read_dir},
    io::{self, ErrorKind, Read},
    path::Path,
};

/// The most bytes of a file that is held in memory whole.
const LARGEST_HELD: u64 = 256 << 20;

/// The most bytes of a text that is read once: a scenario.
const LARGEST_ONCE: u64 = 16 << 20;

/// Opens a file that may be read more than once.
///
/// ```
/// # #[cfg(unix)] {
/// use std::path::Path;
///
/// let refused = traces::input::open(Path::new("/dev/zero")).unwrap_err();
/// assert!(refused.to_string().starts_with("it is a device or a pipe"));
/// # }
/// ```
///
/// # Errors
///
/// If it cannot be opened, or is a device or a pipe.
pub fn open(path: &Path) -> io::Result<File> {
    let kind = metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return File::open(path);
    }
    let why = "it is a device or a pipe; copy what it gives into a file, since an input is read more than once";
    Err(io::Error::new(ErrorKind::Unsupported, why))
}

/// Hands the content of a file on, piece by piece; of a folder, the names and contents of its files, in order of their names.
///
/// # Errors
///
/// If the file cannot be opened or read.
pub fn for_each_piece(path: &Path, mut then: impl FnMut(&[u8])) -> io::Result<()> {
    if path.is_dir() {
        let entries = read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut files = entries.collect::<io::Result<Vec<_>>>()?;
        files.retain(|file| file.is_file());
        files.sort();
        return files.iter().try_for_each(|file| {
            then(file.file_name().unwrap_or_default().as_encoded_bytes());
            for_each_piece(file, &mut then as &mut dyn FnMut(&[u8]))
        });
    }
    let (mut file, mut piece) = (open(path)?, vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(bytes) => then(&piece[..bytes]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The text of a file.
///
/// # Errors
///
/// If the file cannot be opened or read, is larger than 256 MiB, or is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

/// The bytes of a file.
///
/// # Errors
///
/// If the file cannot be opened or read, or is larger than 256 MiB.
pub fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    bounded(open(path)?, LARGEST_HELD)
}

/// The bytes of a file that is read once, and so may also be a pipe.
///
/// # Errors
///
/// If the file cannot be opened or read, or does not end within 16 MiB.
pub fn read_once(path: &Path) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?, LARGEST_ONCE)
}

fn bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= most {
        return Ok(bytes);
    }
    let why = format!("it is larger than {} MiB", most >> 20);
    Err(io::Error::new(ErrorKind::FileTooLarge, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    #[test]
    fn pieces_are_the_whole_file() {
        let content: Vec<u8> = (0..200_000_u32).map(|byte| byte as u8).collect();
        let (file, mut read) = (file_with(&content), Vec::new());
        for_each_piece(file.path(), |piece| read.extend_from_slice(piece)).unwrap();
        assert_eq!(read, content);
    }

    #[test]
    fn pieces_of_a_folder_are_its_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("b", "two"), ("a", "one")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let mut read = Vec::new();
        for_each_piece(folder.path(), |piece| read.extend_from_slice(piece)).unwrap();
        assert_eq!(read, b"aonebtwo");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_refused() {
        let kind = |result: io::Result<Vec<u8>>| result.unwrap_err().kind();
        let zero = Path::new("/dev/zero");
        assert_eq!(kind(for_each_piece(zero, |_| ()).map(|()| Vec::new())), ErrorKind::Unsupported);
        assert_eq!(kind(read_text(zero).map(String::into_bytes)), ErrorKind::Unsupported);
        assert_eq!(kind(read_once(zero)), ErrorKind::FileTooLarge);
    }
}
