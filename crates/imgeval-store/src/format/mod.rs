//! The types on disk, apart from the domain's so that either may change. Converted by hand, each with its version.
//!
//! ```text
//! manifest.rs     run.toml
//! cases.rs        a line of cases.jsonl
//! evidence.rs     detections and colors of an image, in run.db
//! measurement.rs  numbers that a program measured on a sample, in run.db
//! ```

mod cases;
mod evidence;
mod manifest;
mod measurement;

pub use cases::{ListedCase, ListedRound};
pub use measurement::Measurement;

pub(crate) use evidence::{parse_colors_into, parse_payload, render_colors, render_payload};
pub(crate) use manifest::{ManifestFile, VersionOnly};
