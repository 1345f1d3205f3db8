//! The figures of runs by class, beside a part of a sweep: a table of their own, since runs without classes have none.

use super::classes::ClassSample;
use crate::terminal::Failure;
use std::path::{Path, PathBuf};
use tables::{ClassRunRow, TableError, TableReader, TableWriter};

/// Writes the classes of runs, which come in the order of their part.
pub struct ClassRunsWriter {
    table: TableWriter<ClassRunRow>,
    run: u64,
}

impl ClassRunsWriter {
    /// Begins the table at `path`, with `notes` in its metadata.
    pub fn create(path: &Path, notes: &[(&str, &str)]) -> Result<Self, TableError> {
        Ok(Self { table: TableWriter::create_part(path, &[], notes)?, run: 0 })
    }

    /// Adds the classes of the next run; one that failed has none.
    pub fn write(&mut self, classes: &[ClassSample]) -> Result<(), TableError> {
        for class in classes {
            self.table.write(ClassRunRow {
                run: self.run,
                class: class.name.clone(),
                requests: class.submitted,
                completed: class.completed,
                metrics: class.metrics.clone(),
            })?;
        }
        self.run += 1;
        Ok(())
    }

    /// Writes the rest and the end of the file.
    pub fn finish(self) -> Result<(), TableError> {
        self.table.finish().map(drop)
    }
}

/// The classes of the runs of a part, in their order, with one group of rows in memory.
pub struct ClassRunsReader {
    path: PathBuf,
    groups: usize,
    next_group: usize,
    waiting: std::iter::Peekable<std::vec::IntoIter<ClassRunRow>>,
    run: u64,
}

impl ClassRunsReader {
    /// Opens the table at `path`, if it has this note in its metadata.
    ///
    /// # Errors
    /// If it is no whole table of classes, or is of something else.
    pub fn open(path: &Path, (note, expected): (&str, &str)) -> Result<Self, Failure> {
        let table = TableReader::<ClassRunRow>::open(path)?;
        if !table.notes().iter().any(|(name, value)| (name.as_str(), value.as_str()) == (note, expected)) {
            let remedy = "remove it and its part, and run that again";
            return Err(Failure::refused(format!(
                "{}: classes of another sweep; expected {note} {expected}; {remedy}",
                path.display()
            )));
        }
        let waiting = Vec::new().into_iter().peekable();
        Ok(Self { path: path.to_owned(), groups: table.groups(), next_group: 0, waiting, run: 0 })
    }

    /// The classes of the next run.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub fn next(&mut self) -> Result<Vec<ClassSample>, Failure> {
        let mut classes = Vec::new();
        loop {
            while self.waiting.peek().is_none() && self.next_group < self.groups {
                let table = TableReader::<ClassRunRow>::open(&self.path)?;
                self.waiting = table.group(self.next_group)?.into_iter().peekable();
                self.next_group += 1;
            }
            let Some(row) = self.waiting.next_if(|row| row.run == self.run) else { break };
            classes.push(ClassSample {
                name: row.class,
                submitted: row.requests,
                completed: row.completed,
                metrics: row.metrics,
            });
        }
        self.run += 1;
        Ok(classes)
    }
}
