//! Columns whose type only the file knows.

use crate::{Text, cell::Cell, columns::GroupColumns};
use parquet::{
    basic::Type as Physical,
    data_type::{DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
};

/// The values of a column whose type only the file knows.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Whole numbers.
    Counts(Vec<u64>),
    /// Numbers; none where there is no value.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Text>),
}

impl ColumnValues {
    /// No value yet, of a column stored as this type.
    pub(crate) fn none_of(stored: Physical) -> Self {
        match stored {
            Physical::INT32 | Physical::INT64 => Self::Counts(Vec::new()),
            Physical::DOUBLE => Self::Numbers(Vec::new()),
            _ => Self::Texts(Vec::new()),
        }
    }

    /// Adds the values of the next column, which is stored as they are.
    pub(crate) fn extend_from(&mut self, columns: &mut GroupColumns<'_>) -> Result<(), ParquetError> {
        let column = columns.described();
        let stored = column.physical_type();
        if !matches!(stored, Physical::INT32 | Physical::INT64 | Physical::DOUBLE | Physical::BYTE_ARRAY) {
            let name = column.name();
            return Err(ParquetError::General(format!("the column {name} of type {stored}, neither number nor text")));
        }
        match self {
            Self::Counts(counts) if stored == Physical::INT32 => {
                counts.extend(columns.required::<Int32Type>()?.into_iter().map(|stored| u64::from(stored as u32)));
            }
            Self::Counts(counts) => {
                counts.extend(columns.required::<Int64Type>()?.into_iter().map(|stored| stored as u64));
            }
            Self::Numbers(numbers) if column.max_def_level() > 0 => numbers.extend(columns.optional::<DoubleType>()?),
            Self::Numbers(numbers) => numbers.extend(columns.required::<DoubleType>()?.into_iter().map(Some)),
            Self::Texts(texts) => texts.extend(Text::read(columns)?),
        }
        Ok(())
    }
}
