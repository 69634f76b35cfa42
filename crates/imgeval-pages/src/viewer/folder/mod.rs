//! A folder of runs: an index of what lies in it, and the live page of one run or of several chosen ones.

mod index;
mod server;
mod shelf;

pub use server::run_folder_viewer;
pub use shelf::FolderOfRuns;
