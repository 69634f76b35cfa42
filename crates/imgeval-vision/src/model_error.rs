//! Why a network could not be loaded or run.

use std::path::PathBuf;

use crate::checkpoint::{Checkpoint, CheckpointError, ParameterError};

/// Each is one sentence; [`ModelError::hint`] says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    #[error("`{}` does not hold {network}; {found}", path.display())]
    NotThisNetwork { path: PathBuf, network: &'static str, found: String },
    #[error("`{}`: {detail}", path.display())]
    Configuration { path: PathBuf, detail: String },
    #[error("{0}")]
    Compute(String),
    #[error("the check before scoring failed: {0}")]
    Canary(String),
    #[error("the network failed: {0}")]
    Failed(String),
}

impl From<candle_core::Error> for ModelError {
    fn from(mut error: candle_core::Error) -> Self {
        // A backtrace is for developers, and would end up in runs.
        while let candle_core::Error::WithBacktrace { inner, .. } = error {
            error = *inner;
        }
        Self::Failed(error.to_string())
    }
}

impl ModelError {
    /// For a checkpoint in which nothing of the network was found.
    pub(crate) fn not_this_network(checkpoint: &Checkpoint, network: &'static str) -> Self {
        Self::NotThisNetwork { path: checkpoint.path().to_owned(), network, found: checkpoint.describe() }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Checkpoint(error) => error.hint(),
            Self::Parameters(error) => error.hint(),
            Self::NotThisNetwork { .. } => {
                "name the weights of that network (`imgeval models list` shows them); names may start with `module.`, \
                 `_orig_mod.` or `model.`"
            }
            Self::Configuration { .. } => "take the model's folder as it was published",
            Self::Compute(_) => "leave `--device` and `--dtype` away to compute on the CPU with f32",
            Self::Canary(_) => {
                "this build computes wrongly on this machine, or the weights are damaged; nothing was scored"
            }
            Self::Failed(_) => "check the weights with `imgeval models check`",
        }
    }
}
