//! Rows: a struct whose fields are the columns of a table, declared once for writing, reading and the dictionary of columns.

use crate::{cell::RowGroup, columns::GroupColumns};
use parquet::{errors::ParquetError, schema::types::TypePtr};
use serde_json::Value;

/// A row of a table. The macro `rows!` implements it, which declares struct, columns, version, writer and reader together.
pub trait Row: Sized {
    /// The name of the table.
    const TABLE: &'static str;
    /// The version of its columns, raised with every column that is added, removed or changes its meaning.
    const VERSION: u32;
    /// The oldest version that is still read: its files lack no declared column.
    const OLDEST: u32;
    /// Rows of a row group: what is in memory while the table is written, and what a reader unpacks at once.
    const ROWS_PER_GROUP: usize;
    /// The fields and their meaning, in the order of the file.
    const FIELDS: &'static [FieldDoc];

    /// The values of a row group, field by field.
    #[doc(hidden)]
    type Buffers: Default;

    /// The columns of the Parquet schema, for a scenario that varies these keys.
    #[doc(hidden)]
    fn columns(varied: &[String]) -> Vec<TypePtr>;

    /// Adds the row to the buffers.
    #[doc(hidden)]
    fn push(self, buffers: &mut Self::Buffers);

    /// Writes the buffered rows as a row group and empties the buffers.
    #[doc(hidden)]
    fn flush(buffers: &mut Self::Buffers, group: &mut RowGroup<'_>) -> Result<(), ParquetError>;

    /// Reads the rows of a row group.
    #[doc(hidden)]
    fn read(columns: &mut GroupColumns<'_>) -> Result<Vec<Self>, ParquetError>;

    /// The values of the row in CSV and JSON, column by column; null where there is none.
    #[doc(hidden)]
    fn values(&self) -> Vec<Value>;

    /// The names of the columns, for a scenario that varies these keys.
    fn column_names(varied: &[String]) -> Vec<String> {
        Self::columns(varied).iter().map(|column| column.name().to_owned()).collect()
    }

    /// The name and version of the table, as its files have them in their metadata.
    fn schema_name() -> String {
        format!("{}/{}", Self::TABLE, Self::VERSION)
    }
}

/// A field of a row, for the dictionary of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDoc {
    /// The name, with the unit last.
    pub name: &'static str,
    /// The type of the values.
    pub r#type: &'static str,
    /// The meaning of the values, a sentence.
    pub meaning: &'static str,
}

/// A table, for the dictionary of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDoc {
    /// The name of the table.
    pub name: &'static str,
    /// The version of its columns.
    pub version: u32,
    /// The files that hold it.
    pub files: &'static str,
    /// The meaning of a row, a sentence.
    pub meaning: &'static str,
    /// The fields, in the order of the file.
    pub fields: &'static [FieldDoc],
}

/// Declares a row and its table: the fields are the columns, and their documentation is the dictionary's.
macro_rules! rows {
    (
        $(#[doc = $about:literal])+
        pub struct $row:ident in $files:literal, table $table:literal, version $version:literal $(from $oldest:literal)?, groups of $group:expr;
        {
            $( $(#[doc = $meaning:literal])+ $field:ident: $cell:ty, )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $row {
            $( $(#[doc = $meaning])+ pub $field: $cell, )*
        }

        /// The columns, each with the type of its cells.
        // A constant has the name of its column, so that a renamed column does not compile.
        #[allow(non_upper_case_globals)]
        impl $row {
            $( $(#[doc = $meaning])+ pub const $field: $crate::TypedColumn<$row, $cell> = $crate::TypedColumn::new(stringify!($field)); )*

            /// The table in the dictionary of columns.
            pub const DOC: $crate::TableDoc = $crate::TableDoc {
                name: $table,
                version: $version,
                files: $files,
                meaning: concat!($($about),+).trim_ascii(),
                fields: <$row as $crate::Row>::FIELDS,
            };
        }

        const _: () = {
            use $crate::cell::{Buffer, Cell, RowGroup};

            #[derive(Default)]
            pub struct Buffers {
                $( $field: <$cell as Cell>::Buffer, )*
            }

            impl $crate::Row for $row {
                const TABLE: &'static str = $table;
                const VERSION: u32 = $version;
                const OLDEST: u32 = [$($oldest,)? $version][0];
                const ROWS_PER_GROUP: usize = $group;
                const FIELDS: &'static [$crate::FieldDoc] = &[
                    $( $crate::FieldDoc {
                        name: stringify!($field),
                        r#type: <$cell as Cell>::TYPE,
                        meaning: concat!($($meaning),+).trim_ascii(),
                    }, )*
                ];

                type Buffers = Buffers;

                fn columns(varied: &[String]) -> Vec<parquet::schema::types::TypePtr> {
                    [ $( <$cell as Cell>::columns(stringify!($field), varied), )* ].concat()
                }

                #[inline]
                fn push(self, buffers: &mut Buffers) {
                    $( self.$field.push(&mut buffers.$field); )*
                }

                fn flush(buffers: &mut Buffers, group: &mut RowGroup<'_>) -> Result<(), parquet::errors::ParquetError> {
                    $( buffers.$field.flush(group)?; )*
                    Ok(())
                }

                fn read(
                    columns: &mut $crate::columns::GroupColumns<'_>,
                ) -> Result<Vec<Self>, parquet::errors::ParquetError> {
                    $( let mut $field = <$cell as Cell>::read(columns)?.into_iter(); )*
                    let row = || Some($row { $( $field: $field.next()?, )* });
                    Ok(std::iter::from_fn(row).collect())
                }

                fn values(&self) -> Vec<serde_json::Value> {
                    let mut values = Vec::new();
                    $( self.$field.values(&mut values); )*
                    values
                }
            }
        };
    };
}

pub(crate) use rows;

/// Rows of a group of a long table.
pub(crate) const MANY: usize = 1 << 16;

/// Rows of a group of a table with a row for each run.
pub(crate) const FEW: usize = 1 << 12;

/// Rows of a group of a part: a merge has as many groups in memory as there are shards.
pub(crate) const PART: usize = 128;
