//! Runs as data sets that other tools read: Parquet tables in the layout of Hugging Face's `datasets`, with a card.
//!
//! ```text
//! <folder>/
//!   README.md              the card: configurations, what was scored, how, and with which result
//!   imgeval-dataset.json   marks the folder as ours, lists its files, and says which run it holds
//!   samples/00000.parquet  a row for each sample, missing ones included; images as bytes with a name
//!   scores/00000.parquet   a row for each sample and evaluator
//!   evidence/00000.parquet a row for each detection, judgment and measurement
//! ```
//!
//! Every file appears whole or not at all, and the marker calls the data set complete only once all of them are there. Tables are
//! written a row group at a time, so memory does not grow with the run. Of the folder only files are replaced or deleted that an
//! earlier export listed.
//!
//! Reading a data set takes nothing on trust: shapes, lengths and counts are checked, and each image against its SHA-256.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod card;
mod columns;
mod description;
mod error;
mod evidence;
mod export;
mod folder;
mod import;
mod samples;
mod scores;
mod table_writer;
#[cfg(test)]
mod tests;

pub use description::Description;
pub use error::DatasetError;
pub use export::{ExportSettings, ExportSummary, export_run};
pub use import::{ReadSettings, import_samples, read_description};
pub use scores::{ScoreRow, for_each_score};
