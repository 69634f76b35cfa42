//! The data of suites, which are not ours to ship: taken from their repository, or from what the user downloaded.
//!
//! A suite describes itself as a [`Source`]: where its repository is and at which commit, its archive, and its files with
//! their SHA-256. A file that is not the pinned one is refused, but for scripts whose wording the user asks for in
//! another version. On disk, below the suite's folder:
//!
//! ```text
//! fetched.toml              the record: format version, commit, SHA-256 by path, and which scripts are of another version
//! <path in the repository>  a pinned file
//! other-scripts/<sha256>    a script of another version: fetching one overwrites no other
//! cases.jsonl, images/*     of a suite that has no pinned files: a listing, and the images that it names by their SHA-256
//! ```
//!
//! Every file is held against its checksum whenever it is read. What was fetched before stays in use until all of the new
//! is there.

mod bundle;
mod data_set;
mod error;
mod fetch;
mod folder;
mod listing;
mod source;

pub use bundle::{MAX_FILE_BYTES, Opened, read_file};
pub use data_set::take_data_set;
pub use error::FetchError;
pub use fetch::{CheckScript, Fetched, Fetching, OtherScripts};
pub use folder::SuiteFolder;
pub use listing::{Listing, keep_listing};
pub use source::{Archive, RemoteFile, Source};
