//! What may stand in a column: how each type is buffered, and how Parquet stores it.

use super::Text;
use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type},
    errors::ParquetError,
    file::writer::SerializedRowGroupWriter,
    schema::types::{Type, TypePtr},
};
use std::{fs::File, sync::Arc};

/// A row group that is being written.
pub(super) type RowGroup<'a> = SerializedRowGroupWriter<'a, File>;

/// A type that a field of a row may have.
pub trait Cell {
    /// The values of a column until they are written.
    type Buffer: Buffer;

    /// A column of this type in a Parquet schema.
    fn column(name: &str) -> TypePtr;

    /// Adds the value to those of its column.
    fn push(self, buffer: &mut Self::Buffer);
}

/// The values of one column of one row group.
pub trait Buffer: Default {
    /// Writes the values as the next column of `group` and empties the buffer.
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError>;
}

/// Values that are always there.
pub struct Required<D: DataType>(Vec<D::T>);

/// Values that may be missing, with a level for each row: 1 where there is one, 0 where not.
pub struct Optional<D: DataType> {
    values: Vec<D::T>,
    levels: Vec<i16>,
}

/// Texts, which are shared bytes. The one before is kept, since the next is most often the same.
#[derive(Default)]
pub struct Texts {
    values: Vec<ByteArray>,
    latest: Option<(Text, ByteArray)>,
}

impl<D: DataType> Default for Required<D> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<D: DataType> Default for Optional<D> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<D: DataType> Buffer for Required<D> {
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        write_column::<D>(group, &self.0, None)?;
        self.0.clear();
        Ok(())
    }
}

impl<D: DataType> Buffer for Optional<D> {
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        write_column::<D>(group, &self.values, Some(&self.levels))?;
        self.values.clear();
        self.levels.clear();
        Ok(())
    }
}

impl Buffer for Texts {
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        write_column::<ByteArrayType>(group, &self.values, None)?;
        self.values.clear();
        Ok(())
    }
}

/// Writes the next column of `group`.
fn write_column<D: DataType>(
    group: &mut RowGroup<'_>,
    values: &[D::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("a row has as many cells as its table has columns");
    column.typed::<D>().write_batch(values, levels, None)?;
    column.close()
}

/// Numbers that Parquet stores as they are or with the bits of an unsigned integer in a signed one.
macro_rules! required {
    ($($cell:ty => $stored:ty, $physical:ident, $logical:expr;)*) => {$(
        impl Cell for $cell {
            type Buffer = Required<$stored>;

            fn column(name: &str) -> TypePtr {
                column(name, Physical::$physical, $logical, Repetition::REQUIRED)
            }

            #[inline]
            fn push(self, buffer: &mut Self::Buffer) {
                buffer.0.push(self as _);
            }
        }
    )*};
}

required! {
    f64 => DoubleType, DOUBLE, None;
    f32 => FloatType, FLOAT, None;
    u32 => Int32Type, INT32, Some(LogicalType::integer(32, false));
    u64 => Int64Type, INT64, Some(LogicalType::integer(64, false));
    bool => BoolType, BOOLEAN, None;
}

impl Cell for Option<f64> {
    type Buffer = Optional<DoubleType>;

    fn column(name: &str) -> TypePtr {
        column(name, Physical::DOUBLE, None, Repetition::OPTIONAL)
    }

    #[inline]
    fn push(self, buffer: &mut Self::Buffer) {
        buffer.values.extend(self);
        buffer.levels.push(i16::from(self.is_some()));
    }
}

impl Cell for Text {
    type Buffer = Texts;

    fn column(name: &str) -> TypePtr {
        column(name, Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED)
    }

    #[inline]
    fn push(self, buffer: &mut Self::Buffer) {
        let bytes = match &buffer.latest {
            Some((text, bytes)) if *text == self => bytes.clone(),
            _ => {
                let bytes = ByteArray::from(&*self);
                buffer.latest = Some((self, bytes.clone()));
                bytes
            }
        };
        buffer.values.push(bytes);
    }
}

fn column(name: &str, physical: Physical, logical: Option<LogicalType>, repetition: Repetition) -> TypePtr {
    let column = Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(repetition);
    Arc::new(column.build().expect("each logical type here fits its physical type"))
}
