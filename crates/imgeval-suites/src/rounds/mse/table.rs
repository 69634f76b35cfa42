//! The table of sessions and tables of results.

use std::{collections::BTreeSet, path::Path};

use parquet::record::{Field, Row as TableRow};

use super::layout::source_name;
use crate::{
    parquet_table::{self, Shape, Table},
    rounds::{Round, RoundsError, Session},
};

/// An image in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableImage {
    /// A file of any format.
    pub bytes: Vec<u8>,
    /// The name that the file once had. It is a note, not a place to write to.
    pub path: Option<String>,
}

/// One session of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MseRow {
    /// Counted from 0; names the outputs.
    pub row: usize,
    /// Unique within the table; names the source image.
    pub index: i64,
    pub image: Option<TableImage>,
    pub summary: Option<String>,
    pub description_source: Option<String>,
    /// The instructions, as many in every session.
    pub context: Vec<String>,
    /// Kinds of edit.
    pub operation: Vec<String>,
    /// What the image should show after each turn.
    pub description_target: Vec<String>,
}

/// Goes through the sessions in order, a few images at a time.
///
/// # Errors
/// If the file is no such table. An item is an error if its row cannot be read, repeats an `index`, has no instructions or another number
/// of them than the first; nothing follows it.
pub fn read_sessions(
    path: &Path,
) -> Result<impl Iterator<Item = Result<MseRow, RoundsError>> + use<>, RoundsError> {
    let table = parquet_table::open(path, |column| match column {
        "image" => Some(Shape::Image),
        "index" => Some(Shape::Integer),
        "summary" | "description_source" => Some(Shape::Text),
        "context" | "operation" | "description_target" => Some(Shape::Texts),
        _ => None,
    })?;
    for column in ["index", "context"] {
        if !table.columns.iter().any(|name| name == column) {
            return Err(RoundsError::malformed(&table.name, format!("it has no column `{column}`")));
        }
    }
    let (mut seen, mut n_turns) = (BTreeSet::new(), None);
    Ok(until_error(table, move |row, fields| {
        let row = session_row(row, fields)?;
        if !seen.insert(row.index) {
            return Err(format!("duplicate index {}", row.index));
        }
        if row.context.is_empty() || *n_turns.get_or_insert(row.context.len()) != row.context.len() {
            return Err(format!("row {} has {} instructions", row.row, row.context.len()));
        }
        Ok(row)
    }))
}

fn session_row(row: usize, fields: &TableRow) -> Result<MseRow, String> {
    let texts = |column| {
        texts(parquet_table::value(fields, column))
            .ok_or_else(|| format!("`{column}` of row {row} contains no text"))
    };
    let index = match parquet_table::value(fields, "index") {
        Some(Field::Int(index)) => i64::from(*index),
        Some(Field::Long(index)) => *index,
        _ => return Err(format!("row {row} has no index")),
    };
    Ok(MseRow {
        row,
        index,
        image: parquet_table::value(fields, "image").and_then(image),
        summary: text(parquet_table::value(fields, "summary")),
        description_source: text(parquet_table::value(fields, "description_source")),
        context: texts("context")?,
        operation: texts("operation")?,
        description_target: texts("description_target")?,
    })
}

/// The session of a row. Its id is the number of the row, by which outputs are named.
#[must_use]
pub fn session_of(row: &MseRow) -> Session {
    let round = |(place, instruction): (usize, &String)| Round {
        instruction: instruction.clone(),
        edit_type: row.operation.get(place).cloned(),
        target_caption: row.description_target.get(place).cloned(),
        ..Round::default()
    };
    Session {
        id: row.row.to_string(),
        source: Some(source_name(row.index)),
        category: None,
        rounds: row.context.iter().enumerate().map(round).collect(),
    }
}

/// A model's images of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRow {
    /// Counted from 0, as in the table of sessions.
    pub row: usize,
    /// In order of turns; `None` where the table holds none.
    pub images: Vec<Option<TableImage>>,
}

/// Goes through a table of results, whose columns are `turn_0_image` and so on, in any order and with blanks around their names.
///
/// # Errors
/// If the file is no such table, or its turns have gaps. An item is an error if its row cannot be read; nothing follows it.
pub fn read_results(
    path: &Path,
) -> Result<impl Iterator<Item = Result<ResultRow, RoundsError>> + use<>, RoundsError> {
    let table = parquet_table::open(path, |column| turn_of(column).map(|_| Shape::Image))?;
    let mut columns: Vec<(usize, String)> =
        table.columns.iter().filter_map(|column| Some((turn_of(column)?, column.clone()))).collect();
    columns.sort();
    if columns.iter().enumerate().any(|(place, (turn, _))| place != *turn) {
        return Err(RoundsError::malformed(&table.name, "its turns are not numbered from 0 without gaps"));
    }
    Ok(until_error(table, move |row, fields| {
        let images =
            columns.iter().map(|(_, column)| parquet_table::value(fields, column).and_then(image)).collect();
        Ok(ResultRow { row, images })
    }))
}

fn turn_of(column: &str) -> Option<usize> {
    let number = column.trim().strip_prefix("turn_")?.strip_suffix("_image")?;
    if number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse().ok() } else { None }
}

/// Reads row by row and ends behind the first that cannot be read.
fn until_error<T>(
    table: Table,
    mut read: impl FnMut(usize, &TableRow) -> Result<T, String>,
) -> impl Iterator<Item = Result<T, RoundsError>> {
    let Table { name, n_rows, mut rows, .. } = table;
    let mut has_failed = false;
    (0..n_rows).map_while(move |row| {
        // The reader repeats its error for ever.
        if has_failed {
            return None;
        }
        let read = match parquet_table::unless_it_panics(|| rows.next().transpose()) {
            Ok(Some(fields)) => read(row, &fields),
            Ok(None) => return None,
            Err(error) => Err(format!("could not read row {row}: {error}")),
        };
        has_failed = read.is_err();
        Some(read.map_err(|detail| RoundsError::malformed(&name, detail)))
    })
}

fn text(field: Option<&Field>) -> Option<String> {
    match field {
        Some(Field::Str(text)) => Some(text.clone()),
        _ => None,
    }
}

/// A null list is empty; `None` if an item is null.
fn texts(field: Option<&Field>) -> Option<Vec<String>> {
    match field {
        Some(Field::ListInternal(list)) => list.elements().iter().map(|item| text(Some(item))).collect(),
        _ => Some(Vec::new()),
    }
}

/// `None` if the image is only named and not in the table.
fn image(field: &Field) -> Option<TableImage> {
    let Field::Group(group) = field else { return None };
    match parquet_table::value(group, "bytes") {
        Some(Field::Bytes(bytes)) => {
            Some(TableImage { bytes: bytes.data().to_vec(), path: text(parquet_table::value(group, "path")) })
        }
        _ => None,
    }
}
