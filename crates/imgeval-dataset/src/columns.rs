//! Columns of our tables: their types in Parquet and in the features of Hugging Face's `datasets`.

use std::{iter, sync::Arc};

use imgeval_core::SampleId;
use parquet::{
    basic::{ConvertedType, Repetition, Type as Physical},
    data_type::ByteArray,
    errors::ParquetError,
    schema::types::{Type, TypePtr},
};
use serde_json::{Map, Value as Json, json};

/// What a column holds; every value may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// 64 bits.
    Integer,
    /// 64 bits.
    Number,
    Flag,
    /// A file's bytes with its name.
    Image,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// The file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) name: String,
}

/// A cell of a row, of the kind of its column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Number(f64),
    Flag(bool),
    Image(ImageFile),
}

impl Cell {
    /// About the bytes that it takes in memory.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Null | Self::Integer(_) | Self::Number(_) | Self::Flag(_) => 0,
                Self::Text(text) => text.len(),
                Self::Image(image) => image.bytes.len() + image.name.len(),
            }
    }

    pub(crate) fn as_text(&self) -> Option<ByteArray> {
        if let Self::Text(text) = self { Some(ByteArray::from(text.as_str())) } else { None }
    }

    pub(crate) fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn as_flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    pub(crate) fn as_image(&self) -> Option<&ImageFile> {
        if let Self::Image(image) = self { Some(image) } else { None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<f32> for Cell {
    fn from(number: f32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<ImageFile> for Cell {
    fn from(image: ImageFile) -> Self {
        Self::Image(image)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row in the making: a cell for each column, in their order.
#[derive(Debug, Default)]
pub(crate) struct RowBuilder(Vec<Cell>);

impl RowBuilder {
    /// A row that begins with what rows of all tables begin with.
    pub(crate) fn of(id: &SampleId) -> Self {
        Self::default().with(id.case.as_str()).with(id.ordinal).with(id.round)
    }

    pub(crate) fn with(mut self, cell: impl Into<Cell>) -> Self {
        self.0.push(cell.into());
        self
    }

    pub(crate) fn with_nulls(mut self, n: usize) -> Self {
        self.0.extend(iter::repeat_n(Cell::Null, n));
        self
    }

    pub(crate) fn finish(self) -> Vec<Cell> {
        self.0
    }
}

pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

pub(crate) const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer }
}

pub(crate) const fn number(name: &'static str) -> Column {
    Column { name, kind: Kind::Number }
}

pub(crate) const fn flag(name: &'static str) -> Column {
    Column { name, kind: Kind::Flag }
}

pub(crate) const fn image(name: &'static str) -> Column {
    Column { name, kind: Kind::Image }
}

/// The schema of a table in Parquet.
pub(crate) fn schema_of(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(field_of).collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

fn field_of(column: &Column) -> Result<TypePtr, ParquetError> {
    match column.kind {
        Kind::Text => leaf(column.name, Physical::BYTE_ARRAY, ConvertedType::UTF8),
        Kind::Integer => leaf(column.name, Physical::INT64, ConvertedType::NONE),
        Kind::Number => leaf(column.name, Physical::DOUBLE, ConvertedType::NONE),
        Kind::Flag => leaf(column.name, Physical::BOOLEAN, ConvertedType::NONE),
        Kind::Image => {
            let fields = vec![
                leaf("bytes", Physical::BYTE_ARRAY, ConvertedType::NONE)?,
                leaf("path", Physical::BYTE_ARRAY, ConvertedType::UTF8)?,
            ];
            let group = Type::group_type_builder(column.name).with_repetition(Repetition::OPTIONAL);
            Ok(Arc::new(group.with_fields(fields).build()?))
        }
    }
}

fn leaf(name: &str, physical: Physical, converted: ConvertedType) -> Result<TypePtr, ParquetError> {
    let leaf = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(leaf.with_converted_type(converted).build()?))
}

/// What `datasets` finds under the key `huggingface` of a table: without it, images would be read as groups of bytes.
pub(crate) fn features_of(columns: &[Column]) -> Json {
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    let feature = |column: &Column| match column.kind {
        Kind::Text => value("string"),
        Kind::Integer => value("int64"),
        Kind::Number => value("float64"),
        Kind::Flag => value("bool"),
        Kind::Image => json!({"_type": "Image"}),
    };
    let features: Map<String, Json> =
        columns.iter().map(|column| (column.name.to_owned(), feature(column))).collect();
    json!({"info": {"features": features}})
}
