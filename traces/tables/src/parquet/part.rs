//! Parts of a table, which are written beside each other and put together in an order of their own.

use super::{TableReader, TableWriter};
use crate::{Row, TableError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that a part keeps in memory; one that gets more has a file of its own.
const KEPT: usize = 1024;

/// Bytes of rows that all parts together keep in memory, so that any number of them takes bounded memory: those of 2,000 runs of 20
/// requests each, with their spans.
const BYTES_IN_ALL: usize = 256 << 20;

/// The bytes of rows that parts keep in memory, counted.
#[derive(Debug, Default)]
pub struct Keeping(AtomicUsize);

impl Keeping {
    /// True if these rows may be kept, which are then counted.
    fn takes<R>(&self, rows: &[R]) -> bool {
        let bytes = size_of_val(rows);
        let room = |kept: usize| (kept + bytes <= BYTES_IN_ALL).then_some(kept + bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }
}

/// A part of a table that is being written: the rows of one run.
///
/// A few rows are kept, since a file for each of many small parts takes longer than the rows do.
pub struct PartWriter<R: Row> {
    path: PathBuf,
    varied: Vec<String>,
    kept: Vec<R>,
    file: Option<TableWriter<R>>,
}

/// A part of a table that is whole.
#[derive(Debug)]
pub enum Part<R> {
    /// A few rows in memory.
    Kept(Vec<R>),
    /// A few rows in a file, for there was no room.
    Spilled(PathBuf),
    /// Many rows in a file.
    Filed(PathBuf),
}

impl<R: Row> PartWriter<R> {
    /// Begins a part, which may need a file at `path`, of a scenario that varies these keys.
    pub fn new(path: PathBuf, varied: &[String]) -> Self {
        Self { path, varied: varied.to_vec(), kept: Vec::new(), file: None }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If the part needs its file and that cannot be written.
    #[inline]
    pub fn write(&mut self, row: R) -> Result<(), TableError> {
        if let Some(file) = &mut self.file {
            return file.write(row);
        }
        self.kept.push(row);
        if self.kept.len() > KEPT { self.begin_file() } else { Ok(()) }
    }

    /// Ends the part.
    ///
    /// # Errors
    ///
    /// If its file cannot be written.
    pub fn finish(self, keeping: &Keeping) -> Result<Part<R>, TableError> {
        if let Some(file) = self.file {
            return file.finish().map(|_| Part::Filed(self.path));
        }
        if keeping.takes(&self.kept) {
            return Ok(Part::Kept(self.kept));
        }
        let mut file = TableWriter::create_part(&self.path, &self.varied, &[])?;
        self.kept.into_iter().try_for_each(|row| file.write(row))?;
        file.finish().map(|_| Part::Spilled(self.path))
    }

    /// Begins its file, whose groups go into the whole as they are.
    fn begin_file(&mut self) -> Result<(), TableError> {
        let file = TableWriter::create_varied(&self.path, &self.varied, &[])?;
        let file = self.file.insert(file);
        self.kept.drain(..).try_for_each(|row| file.write(row))
    }
}

/// Puts parts of a table, in that order, into one file at `path`, and removes their files. All were written with the same `varied`
/// columns; the file has `notes` in its metadata. Its bytes depend on the rows of each part alone, and not on where they were kept.
///
/// # Errors
///
/// If a part cannot be read or removed, or the file cannot be written.
pub fn put_together<R: Row>(
    parts: impl IntoIterator<Item = Part<R>>,
    path: &Path,
    varied: &[String],
    notes: &[(&str, &str)],
) -> Result<(), TableError> {
    let mut whole = TableWriter::create_varied(path, varied, notes)?;
    for part in parts {
        match part {
            Part::Kept(rows) => rows.into_iter().try_for_each(|row| whole.write(row))?,
            Part::Spilled(part) => {
                let table = TableReader::open(&part)?;
                for group in 0..table.groups() {
                    table.group(group)?.into_iter().try_for_each(|row| whole.write(row))?;
                }
                remove(&part)?;
            }
            Part::Filed(part) => {
                whole.append(&part)?;
                remove(&part)?;
            }
        }
    }
    whole.finish().map(drop)
}

fn remove(part: &Path) -> Result<(), TableError> {
    std::fs::remove_file(part).map_err(|error| TableError::writing(part, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenRow;

    fn part(folder: &Path, number: u32, rows: u32, keeping: &Keeping) -> Part<TokenRow> {
        let path = folder.join(format!("{number}.part"));
        let mut part = PartWriter::new(path, &[]);
        for row in 0..rows {
            let token = TokenRow { request: u64::from(row), position: number, ..TokenRow::default() };
            part.write(token).expect("a row");
        }
        part.finish(keeping).expect("a part")
    }

    #[test]
    fn parts_come_in_their_order_wherever_they_were_kept() {
        let sizes = [3, 2000, 0, 5, 1024, 1025, 7];
        let written = |keeping: Keeping| {
            let folder = tempfile::tempdir().expect("a folder");
            let parts: Vec<_> = (0..).zip(sizes).map(|(of, rows)| part(folder.path(), of, rows, &keeping)).collect();
            let kept = parts.iter().filter(|part| matches!(part, Part::Kept(_))).count();
            let whole = folder.path().join("tokens.parquet");
            put_together(parts, &whole, &[], &[]).expect("a table");
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "parts are removed");
            let table = TableReader::<TokenRow>::open(&whole).expect("a table");
            let places = table.whole_column(TokenRow::position).expect("a column");
            let requests = table.whole_column(TokenRow::request).expect("a column");
            let expected = (0..).zip(sizes).flat_map(|(of, rows)| (0..rows).map(move |row| (of, u64::from(row))));
            assert_eq!(places.into_iter().zip(requests).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            (kept, std::fs::read(&whole).expect("a file"))
        };
        let (kept, bytes) = written(Keeping::default());
        assert_eq!(kept, 5, "two parts have files of their own");
        let full = Keeping::default();
        assert!(full.takes(&vec![0u8; BYTES_IN_ALL - 3 * size_of::<TokenRow>()]));
        assert_eq!(written(full), (2, bytes), "three rows have room, and none");
    }
}
