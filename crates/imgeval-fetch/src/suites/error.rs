//! Why the data of a suite could not be fetched or read back.

use std::{io, path::PathBuf};

use imgeval_suites::files::SuiteError;

use crate::http::DownloadError;

/// Each is one sentence; who asked for the fetching knows what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the network is not to be used")]
    Offline,
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("the archive is not of commit {commit}, as it says itself")]
    OtherCommit { commit: String },
    #[error("`{name}` is not the file it should be: its SHA-256 is {found}, expected is {expected}")]
    Changed {
        name: String,
        found: String,
        expected: String,
        is_script: bool,
        /// Repository and commit of the expected one.
        version: String,
    },
    #[error("`{path}` is not the one fetched before: its SHA-256 is {found}, before it was {before}")]
    NotTheOneBefore { path: String, found: String, before: String },
    #[error(
        "this {title} is not the one fetched before: its listing's SHA-256 is {found}, before it was {before}"
    )]
    OtherListing { title: String, found: String, before: String },
    #[error("there is no file of {title} in what was given")]
    NoFile { title: String },
    #[error("`{}` is neither a folder nor a zip archive", path.display())]
    NotAnArchive {
        path: PathBuf,
        #[source]
        source: zip::result::ZipError,
    },
    /// What was found there, and what should be.
    #[error("{message}")]
    NotADataSet { message: String, layout: &'static str },
    #[error("`{path}` cannot be used: {detail}")]
    UnusableImage { path: String, detail: String },
    #[error("`{}` holds too many files", path.display())]
    TooManyFiles { path: PathBuf },
    #[error("`{}` holds two files `{name}`", path.display())]
    SameName { path: PathBuf, name: String },
    #[error("`{name}` is too long for a file of a suite")]
    TooLong { name: String },
    #[error("the archive unpacks to too much for a suite")]
    UnpacksToTooMuch,
    #[error("the archive holds the unsafe name `{name}`")]
    UnsafeName { name: String },
    #[error("the suite names the unsafe path `{path}`")]
    UnsafePath { path: String },
    #[error("could not read `{name}`")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("could not read the folder `{}`", path.display())]
    ReadFolder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The record of what was fetched before.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error("could not write down what was fetched")]
    Record {
        #[source]
        source: toml::ser::Error,
    },
}
