//! Why a data set cannot be written or read. What a user can do about it is said by whoever shows the error.

use std::{io, path::PathBuf};

use imgeval_scoring::ScoringError;
use imgeval_store::StoreError;
use imgeval_suites::parquet_table::TableError;
use parquet::errors::ParquetError;

#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    #[error(transparent)]
    Table(#[from] TableError),
    /// The folder holds something that no export wrote.
    #[error("`{}` holds other files than a data set of imgeval", path.display())]
    Foreign { path: PathBuf },
    #[error("`{}` is not a data set of imgeval", path.display())]
    NotADataset { path: PathBuf },
    #[error("the data set `{}` has layout {found}; this version reads layout {known}", path.display())]
    Layout { path: PathBuf, found: u64, known: u64 },
    /// The export was stopped before its last file.
    #[error("the data set `{}` is incomplete", path.display())]
    Unfinished { path: PathBuf },
    #[error("`{}` is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    #[error("the data set `{}` holds no images", path.display())]
    WithoutImages { path: PathBuf },
    #[error("row {row} of `{name}`: {problem}")]
    Row { name: String, row: usize, problem: String },
    #[error("could not read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("could not write the table `{}`", path.display())]
    WriteTable { path: PathBuf, source: ParquetError },
}
