//! imgeval's suites: what is asked of an image generator, in which files, and when an answer is right.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

pub mod checks;
pub mod files;
mod folder_listing;
pub mod gedit;
pub mod geneval;
pub mod judged;
mod numpy_random;
pub mod own_cases;
pub mod parquet_table;
pub mod python_json;
mod python_text;
pub mod reason_edit;
pub mod registry;
pub mod rounds;
pub mod suite;
pub mod summary;
pub mod weaknesses;
pub mod wise;
pub mod wording;
