//! The scores of a run by one evaluator as text, CSV and JSON: scores, missing images, and published scores for
//! comparison.

mod csv;
mod json;
mod text;

pub use csv::{render_scores_csv, scores_csv_header};
pub use json::{coverage_json, line_json, published_json, scores_json};
pub use text::{coverage_table, published_table, scores_table, slice_tables, withheld_text};
