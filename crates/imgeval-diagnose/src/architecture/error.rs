//! Why an inference could not be made.

use std::path::PathBuf;

use imgeval_metrics::{logistic::LearnError, spectra::SpectrumError};
use imgeval_vision::train::TrainError;

use super::data::SplitError;
use crate::alike::SquareError;

#[derive(Debug, thiserror::Error)]
pub enum DiagnoseError {
    #[error("at least two classes are needed, but only {found} is given")]
    TooFewClasses { found: usize },
    #[error("class `{class}` has no usable image")]
    EmptyClass { class: String },
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error(transparent)]
    Square(#[from] SquareError),
    #[error("a spectrum could not be computed")]
    Spectrum(#[from] SpectrumError),
    #[error("the classifier could not be fitted or applied")]
    Learn(#[from] LearnError),
    #[error("the network could not be trained or applied")]
    Network(#[from] TrainError),
    #[error("this kind of probe starts from CLIP, but no CLIP weights are given")]
    NoClip,
    #[error("could not save embeddings in `{path}`")]
    Cache {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the evaluation has no image of some class")]
    NothingToEvaluate,
}
