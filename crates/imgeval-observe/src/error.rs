//! Why nobody can look.

use std::path::PathBuf;

use imgeval_core::{DetectError, sentence_of, visible};
use imgeval_fetch::weights::StoreError;
use imgeval_forensics::ForensicsError;
use imgeval_vision::{ModelError, ocr::OcrLoadError, preview::WeightsError};

/// Why a detector or a network cannot be loaded as asked.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    #[error("`mask2former` alone names no colors, which a run needs")]
    WithoutColors,
    #[error("the preview detector names colors without CLIP and computes on the CPU with f32")]
    PreviewOptions,
    #[error("cannot use `{}`: {}", path.display(), sentence_of(error))]
    PreviewWeights { path: PathBuf, error: WeightsError },
    /// The preview's weights are not here, or not the right ones.
    #[error(transparent)]
    PreviewNotHere(StoreError),
    #[error("`{}` contains weights of {family}, not of `{detector}`", path.display())]
    OtherFamily { path: PathBuf, family: &'static str, detector: &'static str },
    #[error("`{}` is neither a file, nor a folder, nor a repository in the Hugging Face cache", visible(&name.to_string_lossy()))]
    NoSuchModel { name: PathBuf, cache: PathBuf },
    #[error("`{}` is not a file", path.display())]
    NoSuchFile { path: PathBuf },
    /// Weights are not here, or not the right ones.
    #[error(transparent)]
    NotHere(StoreError),
    /// The checksum of weights that the user names cannot be made.
    #[error(transparent)]
    Checksum(StoreError),
    /// The text reader's weights are not here, or not the right ones.
    #[error(transparent)]
    ReaderNotHere(StoreError),
    #[error(transparent)]
    Reader(#[from] OcrLoadError),
    #[error(transparent)]
    Network(#[from] ModelError),
    /// A detector of generated images that has no set of weights here.
    #[error("no set of weights for the detector `{id}`")]
    NoWeightSet { id: &'static str },
    #[error(transparent)]
    Forensics(#[from] ForensicsError),
    #[error("the detector failed its self-test")]
    Detector(#[source] DetectError),
}
