//! Files and folders in the making: written under a hidden name beside their place, synced, and renamed when whole.
//!
//! Each is locked by its writer. A killed writer's lock is gone, so the next run tells what it left from what another process is
//! writing at this moment, and removes only the former.

use crate::terminal::{Unfinished, remove};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile, TempDir};

/// End of a hidden name; it begins with a dot.
const PARTIAL: &str = ".partial";

/// Lock of a folder in the making, in that folder.
const LOCK: &str = ".lock";

/// Names that are tried; each is lost only to a process that tidies in the very moment of its making.
const TRIES: usize = 16;

/// A file in the making. Dropped before [`put`](Self::put), it leaves nothing.
pub struct MakingFile {
    _unfinished: Unfinished,
    file: NamedTempFile,
}

impl MakingFile {
    /// Begins a file in a folder.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(".").suffix(PARTIAL);
        // Temporary files are private; what becomes of these is as readable as other files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        locked(|| {
            let file = builder.tempfile_in(folder)?;
            let lock = file.as_file().try_clone()?;
            Ok((Self { _unfinished: Unfinished::new(file.path()), file }, lock))
        })
        .map(|(making, _)| making)
    }

    /// Its hidden path, to be written to.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The open file.
    pub fn as_file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Syncs the file and gives it its place, over what is there.
    ///
    /// # Errors
    /// If that fails; what was there is then still there.
    pub fn put(self, path: &Path) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder_of(path));
        Ok(())
    }
}

/// A folder in the making. Dropped before [`put`](Self::put), it leaves nothing.
pub struct MakingFolder {
    _unfinished: Unfinished,
    folder: TempDir,
    lock: File,
}

impl MakingFolder {
    /// Begins a folder in `parent` that is to become `name`, and removes what killed writers of that name left there.
    ///
    /// # Errors
    /// If `parent` cannot be written to.
    pub fn begin(parent: &Path, name: &str) -> io::Result<Self> {
        let prefix = format!(".{name}.");
        remove_left(parent, &prefix);
        let ((folder, unfinished), lock) = locked(|| {
            let folder = Builder::new().prefix(&prefix).suffix(PARTIAL).tempdir_in(parent)?;
            let unfinished = Unfinished::new(folder.path());
            let lock = File::create_new(folder.path().join(LOCK))?;
            Ok(((folder, unfinished), lock))
        })?;
        Ok(Self { _unfinished: unfinished, folder, lock })
    }

    /// Its hidden path, to be written into.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Syncs the folder and gives it its place. A folder that is there is exchanged for it and removed.
    ///
    /// # Errors
    /// If that fails; what was there is then still there.
    pub fn put(self, place: &Path) -> io::Result<()> {
        fs::remove_file(self.path().join(LOCK))?;
        readable_by_others(self.path());
        sync_tree(self.path())?;
        replace(self.path(), place)?;
        sync_folder(folder_of(place));
        drop(self.lock);
        Ok(())
    }
}

/// Makes something and locks it. Another process that tidies may have taken it in between: then it is made anew.
fn locked<T>(make: impl Fn() -> io::Result<(T, File)>) -> io::Result<(T, File)> {
    let mut last = None;
    for _ in 0..TRIES {
        match make() {
            Ok((made, lock)) if lock.try_lock().is_ok() && is_linked(&lock) => return Ok((made, lock)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && last.is_none() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("another process removes what is begun here")))
}

/// True if an open file still has a name.
#[cfg(unix)]
fn is_linked(file: &File) -> bool {
    std::os::unix::fs::MetadataExt::nlink(&file.metadata().expect("an open file has metadata")) > 0
}

#[cfg(not(unix))]
fn is_linked(_: &File) -> bool {
    true
}

/// Removes what killed writers left in a folder: hidden names that begin with `prefix` and that nobody has locked.
pub fn remove_left(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_in_the_making(&entry.file_name(), prefix) && is_left(&entry.path()) {
            remove(&entry.path());
        }
    }
}

/// True if a name is that of something in the making.
pub fn is_in_the_making(name: &OsStr, prefix: &str) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') && name.starts_with(prefix) && name.ends_with(PARTIAL)
}

/// True if nobody is writing a file or folder in the making.
fn is_left(path: &Path) -> bool {
    let lock = if path.is_dir() { path.join(LOCK) } else { path.to_owned() };
    match File::open(lock) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Temporary folders are private; results are not.
#[cfg(unix)]
fn readable_by_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Best effort: a results folder that only its owner can read is still whole.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) {}

/// Gives a folder the place of another, which is then in its own.
pub fn replace(folder: &Path, place: &Path) -> io::Result<()> {
    if place.exists() { exchange(folder, place) } else { fs::rename(folder, place) }
}

/// Exchanges two folders: at once where the system can, else by three renames.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    let aside = PathBuf::from(format!("{}.aside", one.display()));
    fs::rename(other, &aside)?;
    if let Err(error) = fs::rename(one, other) {
        // What was there before comes back.
        let _ = fs::rename(&aside, other);
        return Err(error);
    }
    fs::rename(&aside, one)
}

/// Writes a folder and all in it to the disk.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_tree(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_folder(folder);
    Ok(())
}

/// Makes renames in a folder outlive a loss of power, where the system can.
pub fn sync_folder(folder: &Path) {
    // Some file systems cannot sync a folder; the renames themselves have been done.
    let _ = File::open(folder).map(|folder| folder.sync_all());
}

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_nobody_writes_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let writing = MakingFolder::begin(folder.path(), "out").expect("a folder");
        let file = MakingFile::begin(folder.path()).expect("a file");
        fs::create_dir(folder.path().join(".out.killed.partial")).expect("a folder");
        fs::write(folder.path().join(".out.killed.partial/.lock"), "").expect("a lock that nobody holds");
        fs::write(folder.path().join(".file.partial"), "").expect("a file that nobody holds");
        remove_left(folder.path(), ".");
        let left = [writing.path(), file.path()].map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
        assert_eq!(names(folder.path()).len(), 2);
        assert!(left.iter().all(|name| names(folder.path()).contains(name)));
        drop((writing, file));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("out");
        for text in ["one", "two"] {
            let making = MakingFolder::begin(folder.path(), "out").expect("a folder");
            fs::write(making.path().join("file"), text).expect("a file");
            making.put(&place).expect("a place");
            assert_eq!(fs::read_to_string(place.join("file")).expect("a file"), text);
            assert_eq!((names(folder.path()), names(&place)), (vec!["out".into()], vec!["file".into()]));
        }
    }

    #[test]
    fn folders_are_exchanged_whether_the_system_can_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        for path in [&one, &other] {
            fs::create_dir(path).expect("a folder");
            fs::write(path.join("file"), path.file_name().unwrap().to_string_lossy().as_bytes()).expect("a file");
        }
        exchange(&one, &other).expect("an exchange");
        assert_eq!(fs::read_to_string(one.join("file")).expect("a file"), "other");
        assert_eq!(fs::read_to_string(other.join("file")).expect("a file"), "one");
    }
}
