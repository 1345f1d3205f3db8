//! Tables that a figure needs and a results folder does not have.

use super::Figure;
use std::path::Path;
use tables::{StepRow, TableDoc, TokenRow};

impl Figure {
    /// The tables that a folder lacks for this figure.
    pub fn lacks(&self, folder: &Path) -> impl Iterator<Item = &'static TableDoc> {
        self.needs.iter().filter(|table| !has(folder, table))
    }
}

/// True if a folder has a table.
pub(crate) fn has(folder: &Path, table: &TableDoc) -> bool {
    folder.join(format!("{}.parquet", table.name)).exists()
}

/// The file of a table, and how to come by it.
pub(crate) fn origin(table: &TableDoc) -> String {
    let name = table.name;
    if [StepRow::DOC, TokenRow::DOC].contains(table) {
        format!("{name}.parquet, which --{name} writes")
    } else {
        format!("{name}.parquet, which a run writes and a sweep does not")
    }
}
