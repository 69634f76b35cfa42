//! Opening a Parquet file for the columns that are wanted, whose shapes are checked before a value is read.
//!
//! The reader of rows must not be given shapes that it does not know, so only these are let through: integers, texts, lists of texts in
//! three levels, and groups of bytes with a path.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::{ConvertedType, Repetition, Type as Physical},
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row, reader::RowIter},
    schema::types::{Type, TypePtr},
};

/// Images are large: few rows at a time.
const N_ROWS_AT_ONCE: usize = 4;

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("could not read `{}`", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is there and is no such table.
    #[error("`{name}`: {detail}")]
    Malformed { name: String, detail: String },
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Integer,
    Text,
    Texts,
    Image,
}

/// An open table and the columns that were chosen.
pub struct Table {
    /// For messages.
    pub name: String,
    pub n_rows: usize,
    pub rows: RowIter<'static>,
    /// In the order of the table.
    pub columns: Vec<String>,
}

/// Opens a table and projects it onto the columns that `wanted` names with their shapes. Of columns with the same name the table is refused.
///
/// # Errors
/// If the file cannot be read, is no such table, or a wanted column has another shape.
pub fn open(path: &Path, wanted: impl Fn(&str) -> Option<Shape>) -> Result<Table, TableError> {
    let name =
        path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
    let malformed = |detail: String| TableError::Malformed { name: name.clone(), detail };
    let broken = |error: ParquetError| malformed(error.to_string());
    let file = imgeval_files::open_regular(path)
        .map_err(|source| TableError::Io { path: path.to_owned(), source })?;
    let reader = unless_it_panics(|| SerializedFileReader::new(file)).map_err(broken)?;
    let chunks = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    let is_placed = |offset: i64| offset >= 0;
    for chunk in chunks {
        let offsets =
            [chunk.dictionary_page_offset().unwrap_or(0), chunk.data_page_offset(), chunk.compressed_size()];
        if !offsets.into_iter().all(is_placed) {
            return Err(malformed("a column begins before the file".to_owned()));
        }
    }
    let metadata = reader.metadata().file_metadata();
    let n_rows =
        usize::try_from(metadata.num_rows()).map_err(|_| malformed("it has no number of rows".to_owned()))?;
    let mut fields: Vec<TypePtr> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for field in metadata.schema_descr().root_schema().get_fields() {
        let Some(shape) = wanted(field.name()) else { continue };
        if columns.iter().any(|column| column == field.name()) {
            return Err(malformed(format!("it has the column `{}` twice", field.name())));
        }
        if !fits(field, shape) {
            return Err(malformed(format!(
                "its column `{}` contains something other than expected",
                field.name()
            )));
        }
        columns.push(field.name().to_owned());
        fields.push(Arc::clone(field));
    }
    if fields.is_empty() {
        return Err(malformed("it has none of the columns that are read".to_owned()));
    }
    let projection = Type::group_type_builder("schema").with_fields(fields).build().map_err(broken)?;
    let rows = RowIter::from_file_into(Box::new(reader)).project(Some(projection)).map_err(broken)?;
    Ok(Table { name, n_rows, rows: rows.with_batch_size(N_ROWS_AT_ONCE), columns })
}

/// Asks the reader for something. Damaging every byte of a table found panics in it (parquet 60.1.0, counts of values and levels that do not
/// agree), and one hostile table must not end the program: they become errors. The reader must not be asked again afterwards.
///
/// # Errors
/// As the reader's, and if it panics.
pub fn unless_it_panics<T>(ask: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    panic::catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|_| Err(ParquetError::General("the reader crashed on it".to_owned())))
}

fn fits(field: &Type, shape: Shape) -> bool {
    if !field.get_basic_info().has_repetition() || field.get_basic_info().repetition() == Repetition::REPEATED
    {
        return false;
    }
    let is_text = |field: &Type| is_leaf(field, &[Physical::BYTE_ARRAY], &[ConvertedType::UTF8]);
    match shape {
        Shape::Integer => is_leaf(
            field,
            &[Physical::INT32, Physical::INT64],
            &[ConvertedType::NONE, ConvertedType::INT_32, ConvertedType::INT_64],
        ),
        Shape::Text => is_text(field),
        Shape::Texts => {
            let inner = |group: &Type| match group {
                Type::GroupType { fields, .. } if fields.len() == 1 => fields.first().cloned(),
                _ => None,
            };
            let repeated = inner(field).filter(|group| {
                group.get_basic_info().has_repetition()
                    && group.get_basic_info().repetition() == Repetition::REPEATED
            });
            field.get_basic_info().converted_type() == ConvertedType::LIST
                && repeated.and_then(|group| inner(&group)).is_some_and(|element| is_text(&element))
        }
        Shape::Image => match field {
            Type::GroupType { fields, .. } => {
                let child = |name: &str| fields.iter().find(|child| child.name() == name);
                field.get_basic_info().converted_type() == ConvertedType::NONE
                    && fields.len() <= 2
                    && child("bytes")
                        .is_some_and(|bytes| is_leaf(bytes, &[Physical::BYTE_ARRAY], &[ConvertedType::NONE]))
                    && (fields.len() == 1 || child("path").is_some_and(|path| is_text(path)))
            }
            Type::PrimitiveType { .. } => false,
        },
    }
}

fn is_leaf(field: &Type, physical: &[Physical], converted: &[ConvertedType]) -> bool {
    field.is_primitive()
        && field.get_basic_info().has_repetition()
        && field.get_basic_info().repetition() != Repetition::REPEATED
        && physical.contains(&field.get_physical_type())
        && converted.contains(&field.get_basic_info().converted_type())
}

/// The value of a column; `None` if the table has no such column or the value is null.
#[must_use]
pub fn value<'a>(row: &'a Row, column: &str) -> Option<&'a Field> {
    row.get_column_iter()
        .find(|(name, _)| *name == column)
        .map(|(_, field)| field)
        .filter(|field| **field != Field::Null)
}
