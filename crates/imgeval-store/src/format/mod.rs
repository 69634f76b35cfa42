//! The types on disk, apart from the domain's so that either may change. Converted by hand, each with its version.
//!
//! ```text
//! manifest_file.rs  run.toml
//! case_line.rs      a line of cases.jsonl
//! detections.rs     detections and colors of an image, in run.db
//! measurement.rs    numbers that a program measured on a sample, in run.db
//! ```

mod case_line;
mod detections;
mod manifest_file;
mod measurement;

pub use case_line::{ListedCase, ListedRound};
pub use measurement::Measurement;

pub(crate) use detections::{parse_colors_into, parse_payload, render_colors, render_payload};
pub(crate) use manifest_file::{ManifestFile, VersionOnly};
