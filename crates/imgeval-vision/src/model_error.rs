//! Why a network could not be loaded or run.

use std::path::PathBuf;

use crate::{
    checkpoint::{Checkpoint, CheckpointError, ParameterError},
    resample::pillow::CropError,
};

/// Each is one sentence; [`ModelError::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    #[error("`{}` does not contain {network}; {found}", path.display())]
    NotThisNetwork { path: PathBuf, network: &'static str, found: String },
    #[error("`{}`: {detail}", path.display())]
    Configuration { path: PathBuf, detail: String },
    #[error("this build or machine cannot compute on {device}: {detail}")]
    NoDevice { device: &'static str, detail: String },
    #[error("the CPU computes with f32, not with {precision}")]
    CpuPrecision { precision: &'static str },
    #[error("the check before scoring failed: {0}")]
    Canary(CanaryError),
    #[error("the network failed: it gives numbers that are not finite")]
    NotFinite,
    #[error("the network failed: an image of {width}x{height} pixels is too small")]
    TooSmall { width: u32, height: u32 },
    #[error("the text exceeds CLIP's 77 tokens, including markers: its first 16 KiB have {tokens}")]
    LongText { tokens: usize },
    #[error("the network failed: an image of another size")]
    OtherSize,
    #[error("the network failed: {0}")]
    Crop(CropError),
    #[error("the network failed: a crop of {side} pixels could not be made")]
    Square { side: u32 },
    #[error("the network failed: parameter `{name}` has no gradient")]
    NoGradient { name: String },
    #[error("the network failed: {detail}")]
    Tensors { detail: String },
}

/// What a built-in network with a known answer, or the loaded one, did on the machine that is about to score.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    #[error("the built-in image does not decode: {detail}")]
    Picture { detail: String },
    #[error("the built-in answers: {detail}")]
    Answers { detail: String },
    #[error("{found} numbers instead of {expected}")]
    Length { found: usize, expected: usize },
    #[error("{what} off by {difference} of the largest")]
    Off { what: String, difference: f32 },
    #[error("the built-in LPIPS network gives {found}, not {expected}")]
    Distance { found: f64, expected: f64 },
    #[error("the weights give numbers that are not finite")]
    NotFinite,
}

impl From<CanaryError> for ModelError {
    fn from(error: CanaryError) -> Self {
        Self::Canary(error)
    }
}

impl From<CropError> for ModelError {
    fn from(error: CropError) -> Self {
        Self::Crop(error)
    }
}

impl From<candle_core::Error> for ModelError {
    fn from(mut error: candle_core::Error) -> Self {
        // A backtrace is for developers, and would end up in runs.
        while let candle_core::Error::WithBacktrace { inner, .. } = error {
            error = *inner;
        }
        Self::Tensors { detail: error.to_string() }
    }
}

impl ModelError {
    /// For a checkpoint in which nothing of the network was found.
    pub fn not_this_network(checkpoint: &Checkpoint, network: &'static str) -> Self {
        Self::NotThisNetwork { path: checkpoint.path().to_owned(), network, found: checkpoint.describe() }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.hint(),
            Self::Parameters(error) => error.hint(),
            Self::NotThisNetwork { .. } => {
                "pass that network's weights; tensor names may start with `module.`, `_orig_mod.` or `model.`"
            }
            Self::Configuration { .. } => "use the model's folder as published",
            Self::NoDevice { .. } | Self::CpuPrecision { .. } => "compute on the CPU with f32",
            Self::Canary(_) => {
                "this build computes incorrectly on this machine, or the weights are damaged; nothing was scored"
            }
            Self::LongText { .. } => {
                "shorten the text; the score of its beginning would be a different score"
            }
            Self::NotFinite
            | Self::TooSmall { .. }
            | Self::OtherSize
            | Self::Crop(_)
            | Self::Square { .. }
            | Self::NoGradient { .. }
            | Self::Tensors { .. } => "check the weights",
        }
    }
}
