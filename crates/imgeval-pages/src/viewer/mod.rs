//! The live viewer: the page of a report, served on this machine while its runs go on. It only reads.
//!
//! The page asks `live.json` every few seconds; that makes us look whether the runs have changed, and if they have, read them
//! anew into a *revision*: an index and files of details in a temporary folder, so that the memory does not grow with the
//! runs. A revision has its content's hash for a name and stays for a while after the next one is there, because pages
//! still show it.
//!
//! Of a folder of runs there is an index, with a page of each run and of each choice of runs, read when somebody opens it.

mod folder;
mod on_disk;
mod revision;
mod server;
mod thumbs;

pub use folder::{FolderOfRuns, run_folder_viewer};
pub use on_disk::RunsOnDisk;
pub use server::{ViewerEvent, ViewerOptions, run_viewer};
