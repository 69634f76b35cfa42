//! Why a network could not be trained, kept or applied.

use std::{io, path::PathBuf};

use crate::{checkpoint::CheckpointError, model_error::ModelError};

/// Each is one sentence; [`TrainError::hint`] says how to repair it.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("setting `{name}` is {found}, expected {possible}")]
    Setting { name: &'static str, found: String, possible: &'static str },
    #[error("the {set} set has no images")]
    Empty { set: &'static str },
    #[error(
        "image {index} of the {set} set has label {label}, but there are {n_classes} classes, counted from 0"
    )]
    Label { set: &'static str, index: usize, label: usize, n_classes: usize },
    #[error("the {set} set has no image of class {class}")]
    ClassWithoutImages { set: &'static str, class: usize },
    #[error("image {index} of the {set} set could not be loaded")]
    Image {
        set: &'static str,
        index: usize,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("image {index} has {width} x {height} pixels, the network needs {side} on each side")]
    TooSmall { index: usize, width: u32, height: u32, side: usize },
    #[error("the loss is no longer a finite number in epoch {epoch}, step {step}")]
    Diverged { epoch: usize, step: usize },
    #[error("the network's description is impossible: {0}")]
    Description(String),
    #[error("the network's tensors do not fit its description: {0}")]
    Tensors(String),
    #[error("training checkpoint `{}` could not be read", path.display())]
    ReadCheckpoint {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("training checkpoint `{}` could not be written", path.display())]
    WriteCheckpoint {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not a training checkpoint, or it is damaged: {detail}", path.display())]
    DamagedCheckpoint { path: PathBuf, detail: String },
    #[error("training checkpoint `{}` belongs to another training: {what} differs", path.display())]
    OtherTraining { path: PathBuf, what: &'static str },
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}

impl From<CheckpointError> for TrainError {
    fn from(error: CheckpointError) -> Self {
        Self::Model(error.into())
    }
}

impl TrainError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Setting { .. } => "choose a value in the range",
            Self::Empty { .. } | Self::ClassWithoutImages { .. } => "add images, or remove the class",
            Self::Label { .. } => "count the classes from 0",
            Self::Image { .. } => "check that file, or leave it out",
            Self::TooSmall { .. } => {
                "use larger images or a smaller crop; scaling up would add artifacts of its own"
            }
            Self::Diverged { .. } => "lower the learning rate",
            Self::Description(_) | Self::Tensors(_) => {
                "the file is damaged or of another version; train again"
            }
            Self::ReadCheckpoint { .. } | Self::WriteCheckpoint { .. } => {
                "check the path and its permissions"
            }
            Self::DamagedCheckpoint { .. } | Self::OtherTraining { .. } => {
                "choose another checkpoint file, or remove this one to start over"
            }
            Self::Model(error) => error.hint(),
        }
    }
}
