//! Why a page cannot be shown or written. What a user can do about it is said by whoever shows the error.

use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use axum::http::header::InvalidHeaderValue;
use imgeval_observe::pictures::PicturesError;
use imgeval_report::{figures::FigureError, page::PageError};
use imgeval_scoring::ScoringError;
use imgeval_store::StoreError;
use tokio::task::JoinError;

#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Overlays(#[from] PicturesError),
    #[error("port {port} is in use by another program")]
    PortInUse { port: u16 },
    #[error("could not listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("could not learn the port")]
    UnknownPort(#[source] io::Error),
    #[error("the page's policy is not a valid header")]
    Policy(#[source] InvalidHeaderValue),
    #[error("reading the runs broke down")]
    Broke(#[source] JoinError),
    #[error("could not make a folder for temporary files")]
    MakeTemporary(#[source] io::Error),
    #[error("could not open the folder for temporary files")]
    OpenTemporary(#[source] io::Error),
    #[error("a temporary file of the viewer is gone")]
    TemporaryGone(#[source] io::Error),
    #[error("the page's data cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    #[error("could not draw `{name}`")]
    Draw {
        name: String,
        #[source]
        source: FigureError,
    },
    #[error("could not write `{path}`")]
    WriteFigure {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not read `{path}`")]
    ReadDiagnosis {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The folder was not written by a diagnosis, or by one of another version.
    #[error("`{path}` was not written by a diagnosis of this version: {detail}")]
    NotADiagnosis { path: PathBuf, detail: String },
    /// Not one of the suites that judges score.
    #[error("people label the suites that judges score, which {suite} is not")]
    NotLabelled { suite: &'static str },
    /// The checks of these cases ask no judge.
    #[error("people label cases that ask a judge something, which these do not")]
    NothingAsked,
    /// Nothing to label.
    #[error("the run holds no usable image")]
    NoImage,
    /// A mistake in our own words.
    #[error("the text of the label page is not a valid template")]
    Words(#[source] Box<dyn Error + Send + Sync>),
    #[error("the protocol of the label page cannot be written")]
    LabelProtocol(#[source] Box<dyn Error + Send + Sync>),
}
