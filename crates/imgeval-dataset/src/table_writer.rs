//! A table in the making: rows are collected into row groups, row groups into files of bounded size.

use std::{mem, path::PathBuf, sync::Arc};

use imgeval_files::{NewFile, OwnFolder};
use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::ColumnPath,
};

use crate::{
    DatasetError,
    columns::{Cell, Column, Kind, features_of, schema_of},
};

/// How much goes into one row group and one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) rows_of_group: usize,
    pub(crate) bytes_of_group: usize,
    pub(crate) bytes_of_file: usize,
}

impl Limits {
    /// With images: few rows at once, as those who read the table hold a row group in memory too.
    pub(crate) const IMAGES: Self =
        Self { rows_of_group: 64, bytes_of_group: 32 << 20, bytes_of_file: 512 << 20 };
    /// Texts and numbers alone.
    pub(crate) const TEXTS: Self =
        Self { rows_of_group: 20_000, bytes_of_group: 32 << 20, bytes_of_file: 512 << 20 };
}

/// Writes the rows of one table.
pub(crate) struct TableWriter<'a> {
    root: &'a OwnFolder,
    /// The folder of the table's files.
    name: &'static str,
    columns: Vec<Column>,
    limits: Limits,
    rows: Vec<Vec<Cell>>,
    /// Of the collected rows.
    n_bytes: usize,
    file: Option<SerializedFileWriter<NewFile>>,
    files: Vec<String>,
    n_rows: usize,
}

/// What was written of a table.
#[derive(Debug)]
pub(crate) struct WrittenTable {
    pub(crate) files: Vec<String>,
    pub(crate) n_rows: usize,
}

impl<'a> TableWriter<'a> {
    pub(crate) fn new(root: &'a OwnFolder, name: &'static str, columns: Vec<Column>, limits: Limits) -> Self {
        Self {
            root,
            name,
            columns,
            limits,
            rows: Vec::new(),
            n_bytes: 0,
            file: None,
            files: Vec::new(),
            n_rows: 0,
        }
    }

    /// Adds a row: a cell for each column, in their order.
    pub(crate) fn push(&mut self, row: Vec<Cell>) -> Result<(), DatasetError> {
        debug_assert_eq!(row.len(), self.columns.len());
        self.n_bytes += row.iter().map(Cell::size).sum::<usize>();
        self.rows.push(row);
        self.n_rows += 1;
        match self.rows.len() >= self.limits.rows_of_group || self.n_bytes >= self.limits.bytes_of_group {
            true => self.write_group(),
            false => Ok(()),
        }
    }

    /// Writes what is left. A table without rows has a file too, which names its columns.
    pub(crate) fn finish(mut self) -> Result<WrittenTable, DatasetError> {
        if !self.rows.is_empty() || self.files.is_empty() {
            self.write_group()?;
        }
        self.close_file()?;
        Ok(WrittenTable { files: self.files, n_rows: self.n_rows })
    }

    fn write_group(&mut self) -> Result<(), DatasetError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.begin_file()?,
        };
        let rows = mem::take(&mut self.rows);
        self.n_bytes = 0;
        if !rows.is_empty() {
            self.write_rows(&mut file, &rows).map_err(|source| self.table_error(source))?;
        }
        let is_full = file.bytes_written() >= self.limits.bytes_of_file;
        self.file = Some(file);
        if is_full { self.close_file() } else { Ok(()) }
    }

    fn begin_file(&mut self) -> Result<SerializedFileWriter<NewFile>, DatasetError> {
        let name = format!("{:05}.parquet", self.files.len());
        let file = self.root.make_folder(self.name).and_then(|folder| folder.new_file(&name));
        self.files.push(format!("{}/{name}", self.name));
        let file = file.map_err(|source| DatasetError::Write { path: self.path(), source })?;
        let open = || {
            let schema = schema_of(&self.columns)?;
            SerializedFileWriter::new(file, schema, Arc::new(self.properties()))
        };
        open().map_err(|source| self.table_error(source))
    }

    fn properties(&self) -> WriterProperties {
        let features = KeyValue::new("huggingface".to_owned(), features_of(&self.columns).to_string());
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("imgeval {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![features]));
        for column in self.columns.iter().filter(|column| column.kind == Kind::Image) {
            // Images are compressed already, and nobody asks for the smallest one.
            let bytes = ColumnPath::new(vec![column.name.to_owned(), "bytes".to_owned()]);
            properties = properties
                .set_column_compression(bytes.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(bytes.clone(), false)
                .set_column_statistics_enabled(bytes, EnabledStatistics::None);
        }
        properties.build()
    }

    fn write_rows(
        &self,
        file: &mut SerializedFileWriter<NewFile>,
        rows: &[Vec<Cell>],
    ) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for (place, column) in self.columns.iter().enumerate() {
            let cells = || rows.iter().map(|row| &row[place]);
            write_column(&mut group, column.kind, cells)?;
        }
        group.close().map(drop)
    }

    /// Gives the file its name.
    fn close_file(&mut self) -> Result<(), DatasetError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let file = file.into_inner().map_err(|source| self.table_error(source))?;
        file.publish().map_err(|source| DatasetError::Write { path: self.path(), source })
    }

    /// Of the last file.
    fn path(&self) -> PathBuf {
        self.root.path().join(self.files.last().map_or(self.name, String::as_str))
    }

    fn table_error(&self, source: ParquetError) -> DatasetError {
        DatasetError::WriteTable { path: self.path(), source }
    }
}

/// Writes one column of a row group, in Parquet's terms: the values that are there, and for each row how deep it is defined.
fn write_column<'c, I: Iterator<Item = &'c Cell>>(
    group: &mut SerializedRowGroupWriter<'_, NewFile>,
    kind: Kind,
    cells: impl Fn() -> I,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = cells()
        .map(|cell| match (cell, kind) {
            (Cell::Null, _) => 0,
            (_, Kind::Image) => 2,
            _ => 1,
        })
        .collect();
    let levels = &levels;
    let images = || cells().filter_map(Cell::as_image);
    match kind {
        Kind::Text => write_leaf::<ByteArrayType>(group, cells().filter_map(Cell::as_text), levels),
        Kind::Integer => write_leaf::<Int64Type>(group, cells().filter_map(Cell::as_integer), levels),
        Kind::Number => write_leaf::<DoubleType>(group, cells().filter_map(Cell::as_number), levels),
        Kind::Flag => write_leaf::<BoolType>(group, cells().filter_map(Cell::as_flag), levels),
        Kind::Image => {
            let bytes = images().map(|image| ByteArray::from(image.bytes.clone()));
            write_leaf::<ByteArrayType>(group, bytes, levels)?;
            let names = images().map(|image| ByteArray::from(image.name.as_str()));
            write_leaf::<ByteArrayType>(group, names, levels)
        }
    }
}

fn write_leaf<T: parquet::data_type::DataType>(
    group: &mut SerializedRowGroupWriter<'_, NewFile>,
    values: impl Iterator<Item = T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns than the table".to_owned()));
    };
    column.typed::<T>().write_batch(&values.collect::<Vec<_>>(), Some(levels), None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::*;
    use crate::columns::{ImageFile, flag, image, integer, number, text};

    #[test]
    fn rows_are_cut_into_groups_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = OwnFolder::open(folder.path()).unwrap();
        let columns = vec![text("a"), integer("b"), number("c"), flag("d"), image("e")];
        let limits = Limits { rows_of_group: 2, bytes_of_group: 1 << 20, bytes_of_file: 300 };
        let mut table = TableWriter::new(&root, "samples", columns, limits);
        for row in 0..5_u32 {
            let image = ImageFile { bytes: vec![7; 100], name: "i.png".to_owned() };
            let image = (row != 1).then_some(image);
            table.push(vec!["é".into(), row.into(), 0.5.into(), true.into(), image.into()]).unwrap();
        }
        let written = table.finish().unwrap();
        assert_eq!(written.n_rows, 5);
        let names = ["samples/00000.parquet", "samples/00001.parquet", "samples/00002.parquet"];
        assert_eq!(written.files, names);
        let counts = names.map(|name| {
            let file = std::fs::File::open(folder.path().join(name)).unwrap();
            SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows()
        });
        assert_eq!(counts, [2, 2, 1]);
    }

    #[test]
    fn a_table_without_rows_names_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let root = OwnFolder::open(folder.path()).unwrap();
        let written = TableWriter::new(&root, "scores", vec![text("a")], Limits::TEXTS).finish().unwrap();
        assert_eq!(written.files, ["scores/00000.parquet"]);
        let file = std::fs::File::open(folder.path().join("scores/00000.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        assert_eq!(reader.metadata().file_metadata().schema_descr().column(0).name(), "a");
    }
}
