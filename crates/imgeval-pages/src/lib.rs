//! The pages that this machine shows: reports on disk, the viewer of runs that go on, and the page on which people label images.
//!
//! A report is written by [`write_report`] and lies on the disk. The viewer ([`run_viewer`], of a folder
//! of runs [`run_folder_viewer`]) and the label page ([`run_label_page`])
//! are servers of this machine, which take the same care of who may ask. What the pages say comes from `imgeval-scoring`.
//!
//! Knows no command line and prints nothing: a server tells its events to whoever started it, and errors are told with
//! advice by whoever shows them.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests open what they made themselves"))]

mod error;
mod label;
mod local_server;
mod report;
mod viewer;

pub use error::PagesError;
pub use label::{LabelError, LabelEvent, LabelOptions, Session, check_rater, run_label_page};
pub use report::{
    BesideRuns, ReportOptions, Rounds, claim_folder, read_diagnosis, write_diagnosis, write_report,
    write_rounds_page,
};
pub use viewer::{FolderOfRuns, RunsOnDisk, ViewerEvent, ViewerOptions, run_folder_viewer, run_viewer};
