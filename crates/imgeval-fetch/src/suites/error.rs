//! Why the data of a suite could not be fetched or read back.

use std::{io, path::PathBuf};

use imgeval_suites::files::SuiteError;

use crate::http::DownloadError;

/// Each is one sentence; who asked for the fetching knows what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("network access is disabled")]
    Offline,
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("the archive says it is not of commit {commit}")]
    OtherCommit { commit: String },
    #[error("`{name}` is not the expected file: its SHA-256 is {found}, expected {expected}")]
    Changed {
        name: String,
        found: String,
        expected: String,
        is_script: bool,
        /// Repository and commit of the expected one.
        version: String,
    },
    #[error("`{path}` is not the file fetched before: its SHA-256 is {found}, previously {before}")]
    NotTheOneBefore { path: String, found: String, before: String },
    #[error(
        "this {title} is not the one fetched before: the SHA-256 of its listing is {found}, previously {before}"
    )]
    OtherListing { title: String, found: String, before: String },
    #[error("no file of {title} was found in what was given")]
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
    #[error("cannot use `{path}`: {detail}")]
    UnusableImage { path: String, detail: String },
    #[error("`{}` contains too many files", path.display())]
    TooManyFiles { path: PathBuf },
    #[error("`{}` contains two files named `{name}`", path.display())]
    SameName { path: PathBuf, name: String },
    #[error("`{name}` is too long for a file of a suite")]
    TooLong { name: String },
    #[error("the unpacked archive is too large for a suite")]
    UnpacksToTooMuch,
    #[error("the archive contains the unsafe name `{name}`")]
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
    #[error("could not record what was fetched")]
    Record {
        #[source]
        source: toml::ser::Error,
    },
}
