//! Rows: a struct whose fields are the columns of a table.

use super::cell::RowGroup;
use parquet::{errors::ParquetError, schema::types::TypePtr};

/// A row of a table. Implemented by `rows!`, which declares the struct and its columns together.
pub trait Row {
    /// The name of the table.
    const TABLE: &'static str;
    /// The version of its columns, raised whenever one is added, removed or changes its meaning.
    const VERSION: u32;
    /// The columns and what they mean, in the order of the file.
    const COLUMNS: &'static [ColumnDoc];

    /// The values of a row group, column by column.
    #[doc(hidden)]
    type Buffers: Default;

    /// The columns of the Parquet schema.
    #[doc(hidden)]
    fn schema() -> Vec<TypePtr>;

    /// Adds the row to the buffers.
    #[doc(hidden)]
    fn push(self, buffers: &mut Self::Buffers);

    /// Writes the buffered rows as a row group and empties the buffers.
    #[doc(hidden)]
    fn flush(buffers: &mut Self::Buffers, group: &mut RowGroup<'_>) -> Result<(), ParquetError>;
}

/// The name of a column and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDoc {
    /// The name, with the unit last.
    pub name: &'static str,
    /// What the values are.
    pub meaning: &'static str,
}

/// Declares a row and its table in one place: the fields are the columns, their documentation is the table's.
macro_rules! rows {
    (
        $(#[$about:meta])*
        pub struct $row:ident in $table:literal, version $version:literal {
            $( $(#[doc = $meaning:literal])+ pub $field:ident: $cell:ty, )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $row {
            $( $(#[doc = $meaning])+ pub $field: $cell, )*
        }

        const _: () = {
            use $crate::log::cell::{Buffer, Cell};

            #[derive(Default)]
            pub struct Buffers {
                $( $field: <$cell as Cell>::Buffer, )*
            }

            impl $crate::log::Row for $row {
                const TABLE: &'static str = $table;
                const VERSION: u32 = $version;
                const COLUMNS: &'static [$crate::log::ColumnDoc] = &[
                    $( $crate::log::ColumnDoc { name: stringify!($field), meaning: concat!($($meaning),+).trim_ascii() }, )*
                ];

                type Buffers = Buffers;

                fn schema() -> Vec<parquet::schema::types::TypePtr> {
                    vec![ $( <$cell as Cell>::column(stringify!($field)), )* ]
                }

                #[inline]
                fn push(self, buffers: &mut Buffers) {
                    $( self.$field.push(&mut buffers.$field); )*
                }

                fn flush(
                    buffers: &mut Buffers,
                    group: &mut $crate::log::cell::RowGroup<'_>,
                ) -> Result<(), parquet::errors::ParquetError> {
                    $( buffers.$field.flush(group)?; )*
                    Ok(())
                }
            }
        };
    };
}

pub(super) use rows;
