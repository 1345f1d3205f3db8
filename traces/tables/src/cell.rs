//! Cells: the types that a field of a row may have, each with its column in Parquet and its value in CSV and JSON.

use crate::Text;
use crate::columns::GroupColumns;
use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::writer::SerializedRowGroupWriter,
    schema::types::{Type, TypePtr},
};
use serde_json::Value;
use std::{fs::File, sync::Arc};

/// A row group that is being written.
pub type RowGroup<'a> = SerializedRowGroupWriter<'a, File>;

/// A type that a field of a row may have. Most fields are one column; a field may also be several.
pub trait Cell: Sized {
    /// The values of a row group until they are written.
    type Buffer: Buffer;
    /// The type as the dictionary of columns calls it.
    const TYPE: &'static str;

    /// The columns of the field in a Parquet schema, for a scenario that varies these keys.
    fn columns(name: &str, varied: &[String]) -> Vec<TypePtr>;

    /// Adds the value to those of its row group.
    fn push(self, buffer: &mut Self::Buffer);

    /// Reads the values of a row group from its next columns.
    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError>;

    /// Adds the value to those of its row in CSV or JSON, one for each column; null where there is none.
    fn values(&self, row: &mut Vec<Value>);
}

/// The values of a field in one row group.
pub trait Buffer: Default {
    /// Writes the values as the next columns of `group` and empties the buffer.
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError>;
}

/// Values that are always there.
pub struct Required<D: DataType>(Vec<D::T>);

/// Values that may be missing, with a level for each row: 1 for a value, 0 for none.
pub struct Optional<D: DataType> {
    values: Vec<D::T>,
    levels: Vec<i16>,
}

/// Texts as shared bytes. The latest is kept, since the next is most often the same.
#[derive(Default)]
pub struct Texts {
    values: Vec<ByteArray>,
    latest: Option<(Text, ByteArray)>,
}

/// Names of an enum's values as shared bytes, each made once.
#[derive(Default)]
pub struct Names {
    values: Vec<ByteArray>,
    known: Vec<Option<ByteArray>>,
}

/// Buffers of the columns of one field.
pub struct Several<B>(pub(crate) Vec<B>);

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

impl<B> Default for Several<B> {
    fn default() -> Self {
        Self(Vec::new())
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

impl Buffer for Names {
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        write_column::<ByteArrayType>(group, &self.values, None)?;
        self.values.clear();
        Ok(())
    }
}

impl<B: Buffer> Buffer for Several<B> {
    fn flush(&mut self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        self.0.iter_mut().try_for_each(|buffer| buffer.flush(group))
    }
}

impl<B: Buffer> Several<B> {
    /// Pushes one value into each buffer; the first row says how many there are.
    pub(crate) fn push_each<C: Cell<Buffer = B>>(&mut self, values: impl ExactSizeIterator<Item = C>) {
        self.0.resize_with(values.len(), B::default);
        self.0.iter_mut().zip(values).for_each(|(buffer, value)| value.push(buffer));
    }
}

/// Reads the next so many columns into a field that has a cell in each.
pub(crate) fn read_each<F: Clone + Default, C: Cell>(
    columns: &mut GroupColumns<'_>,
    count: usize,
    cells: impl Fn(&mut F) -> &mut Vec<C>,
) -> Result<Vec<F>, ParquetError> {
    let mut fields = vec![F::default(); columns.rows()];
    for _ in 0..count {
        let values = C::read(columns)?;
        fields.iter_mut().zip(values).for_each(|(field, value)| cells(field).push(value));
    }
    Ok(fields)
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

/// Numbers that Parquet stores as they are, or an unsigned integer by its bits in a signed one.
macro_rules! required {
    ($($cell:ty => $data:ty, $physical:ident, $logical:expr, $type:literal, $read:expr;)*) => {$(
        impl Cell for $cell {
            type Buffer = Required<$data>;
            const TYPE: &'static str = $type;

            fn columns(name: &str, _: &[String]) -> Vec<TypePtr> {
                column(name, Physical::$physical, $logical, Repetition::REQUIRED)
            }

            #[inline]
            fn push(self, buffer: &mut Self::Buffer) {
                buffer.0.push(self as _);
            }

            fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
                Ok(columns.required::<$data>()?.into_iter().map($read).collect())
            }

            fn values(&self, row: &mut Vec<Value>) {
                row.push(Value::from(*self));
            }
        }
    )*};
}

required! {
    f64 => DoubleType, DOUBLE, None, "number", |stored| stored;
    u32 => Int32Type, INT32, Some(LogicalType::integer(32, false)), "whole number", |stored| stored as u32;
    u64 => Int64Type, INT64, Some(LogicalType::integer(64, false)), "whole number", |stored| stored as u64;
    bool => BoolType, BOOLEAN, None, "true or false", |stored| stored;
}

impl Cell for Option<f64> {
    type Buffer = Optional<DoubleType>;
    const TYPE: &'static str = "number or none";

    fn columns(name: &str, _: &[String]) -> Vec<TypePtr> {
        column(name, Physical::DOUBLE, None, Repetition::OPTIONAL)
    }

    #[inline]
    fn push(self, buffer: &mut Self::Buffer) {
        buffer.values.extend(self);
        buffer.levels.push(i16::from(self.is_some()));
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        columns.optional::<DoubleType>()
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.push(Value::from(*self));
    }
}

impl Cell for Option<u64> {
    type Buffer = Optional<Int64Type>;
    const TYPE: &'static str = "whole number or none";

    fn columns(name: &str, _: &[String]) -> Vec<TypePtr> {
        column(name, Physical::INT64, Some(LogicalType::integer(64, false)), Repetition::OPTIONAL)
    }

    fn push(self, buffer: &mut Self::Buffer) {
        buffer.values.extend(self.map(|value| value as i64));
        buffer.levels.push(i16::from(self.is_some()));
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let stored = columns.optional::<Int64Type>()?.into_iter();
        Ok(stored.map(|stored| stored.map(|stored| stored as u64)).collect())
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.push(Value::from(*self));
    }
}

impl Cell for Text {
    type Buffer = Texts;
    const TYPE: &'static str = "text";

    fn columns(name: &str, _: &[String]) -> Vec<TypePtr> {
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

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let mut latest = Text::from("");
        let text = |bytes: ByteArray| {
            let text = bytes.as_utf8()?;
            if *latest != *text {
                latest = text.into();
            }
            Ok(latest.clone())
        };
        columns.required::<ByteArrayType>()?.into_iter().map(text).collect()
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.push(Value::from(&**self));
    }
}

/// An enum that is declared by `names!`: a column has the names of its values.
pub trait Name: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];
    /// The name of the enum, for messages.
    const WORD: &'static str;

    /// The name of the value.
    fn name(self) -> &'static str;

    /// The place of the value among all.
    fn place(self) -> usize;
}

impl<N: Name> Cell for N {
    type Buffer = Names;
    const TYPE: &'static str = "name";

    fn columns(name: &str, varied: &[String]) -> Vec<TypePtr> {
        Text::columns(name, varied)
    }

    #[inline]
    fn push(self, buffer: &mut Names) {
        buffer.known.resize(N::ALL.len(), None);
        let bytes = buffer.known[self.place()].get_or_insert_with(|| ByteArray::from(self.name()));
        buffer.values.push(bytes.clone());
    }

    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError> {
        let named = |bytes: ByteArray| {
            let found = N::ALL.iter().find(|value| value.name().as_bytes() == bytes.data());
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = N::ALL.iter().map(|value| value.name()).collect();
                let text = String::from_utf8_lossy(bytes.data());
                let word = N::WORD.to_lowercase();
                ParquetError::General(format!("the {word} `{text}`, which is none of {}", known.join(", ")))
            })
        };
        columns.required::<ByteArrayType>()?.into_iter().map(named).collect()
    }

    fn values(&self, row: &mut Vec<Value>) {
        row.push(Value::from(self.name()));
    }
}

fn column(name: &str, physical: Physical, logical: Option<LogicalType>, repetition: Repetition) -> Vec<TypePtr> {
    let column = Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(repetition);
    vec![Arc::new(column.build().expect("each logical type here fits its physical type"))]
}
