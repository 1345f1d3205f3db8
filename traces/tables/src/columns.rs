//! Columns of a row group that is being read, and columns that are named by a constant.

use parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader},
    data_type::DataType,
    errors::ParquetError,
    file::reader::RowGroupReader,
    schema::types::ColumnDescPtr,
};
use std::marker::PhantomData;

/// A column of the table of rows of `R`, with cells of type `C`.
pub struct TypedColumn<R, C> {
    /// The name of the column, with the unit last.
    pub name: &'static str,
    of: PhantomData<fn() -> (R, C)>,
}

impl<R, C> TypedColumn<R, C> {
    #[doc(hidden)]
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }
}

impl<R, C> Clone for TypedColumn<R, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, C> Copy for TypedColumn<R, C> {}

/// The columns of a row group, read one after another.
pub struct GroupColumns<'g> {
    group: &'g dyn RowGroupReader,
    next: usize,
    own: OwnColumns,
}

/// The columns whose names a scenario or a question gives.
#[derive(Clone, Copy, Default)]
pub(super) struct OwnColumns {
    /// Varied keys, or notes.
    pub varied: usize,
    /// Numbers of varied keys.
    pub numbers: usize,
}

impl<'g> GroupColumns<'g> {
    /// The columns from `next` on, of a table with so many columns of its own.
    pub(super) fn from(group: &'g dyn RowGroupReader, next: usize, own: OwnColumns) -> Self {
        Self { group, next, own }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        usize::try_from(self.group.metadata().num_rows()).unwrap_or(0)
    }

    /// The number of columns that varied keys have.
    pub(crate) fn varied(&self) -> usize {
        self.own.varied
    }

    /// The number of columns that numbers of varied keys have.
    pub(crate) fn numbers(&self) -> usize {
        self.own.numbers
    }

    /// The description of the next column.
    pub(crate) fn described(&self) -> ColumnDescPtr {
        self.group.metadata().column(self.next).column_descr_ptr()
    }

    fn next(&mut self) -> Result<ColumnReader, ParquetError> {
        let reader = self.group.get_column_reader(self.next)?;
        self.next += 1;
        Ok(reader)
    }

    /// The values of the next column, which has one in each row.
    pub(crate) fn required<D: DataType>(&mut self) -> Result<Vec<D::T>, ParquetError> {
        let rows = self.rows();
        records(&mut get_typed_column_reader::<D>(self.next()?), rows).map(|(values, _)| values)
    }

    /// The values of the next column, some of which may be missing.
    pub(crate) fn optional<D: DataType>(&mut self) -> Result<Vec<Option<D::T>>, ParquetError> {
        let rows = self.rows();
        let (values, levels) = records(&mut get_typed_column_reader::<D>(self.next()?), rows)?;
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
    }
}

/// Values and, in a column where some may be missing, a level for each row.
fn records<D: DataType>(reader: &mut ColumnReaderImpl<D>, rows: usize) -> Result<(Vec<D::T>, Vec<i16>), ParquetError> {
    // A damaged file may claim any number of rows.
    let (mut values, mut levels) = (Vec::with_capacity(rows.min(1 << 20)), Vec::new());
    let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read < rows {
        return Err(ParquetError::EOF(format!("{read} of {rows} rows")));
    }
    Ok((values, levels))
}
