//! Why a checkpoint cannot be used.

use std::{io, path::PathBuf};

use safetensors::SafeTensorError;

use super::{StoredType, pickle::PickleError, zip_directory::ZipError};

/// A checkpoint, or a tensor in it, that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("could not read weights `{}`", path.display())]
    Unavailable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("weights `{}` are neither a file nor a folder", path.display())]
    Special { path: PathBuf },
    #[error("weights `{}` are empty", path.display())]
    Empty { path: PathBuf },
    #[error("`{}` is a Git LFS pointer, not the weights it refers to", path.display())]
    LfsPointer { path: PathBuf },
    #[error("`{}` is a text that starts with `{start}`, not weights", path.display())]
    Text { path: PathBuf, start: String },
    #[error("`{}` contains neither safetensors nor PyTorch weights", path.display())]
    Unknown { path: PathBuf },
    #[error("`{}` has the tar format of PyTorch before 0.4, which is not supported", path.display())]
    Outdated { path: PathBuf },
    #[error("`{}` is a Python pickle that was not written by torch.save", path.display())]
    PlainPickle { path: PathBuf },
    #[error("weights `{}` are cut off: {what}", path.display())]
    Truncated { path: PathBuf, what: String },
    #[error("weights `{}` are a damaged archive", path.display())]
    Zip {
        path: PathBuf,
        #[source]
        source: ZipError,
    },
    #[error("weights `{}` have an unusable header", path.display())]
    Safetensors {
        path: PathBuf,
        #[source]
        source: SafeTensorError,
    },
    #[error("weights `{}` request `{global}`, which no weights need; nothing was executed", path.display())]
    Forbidden { path: PathBuf, global: String },
    #[error("weights `{}` have an unusable pickle", path.display())]
    Pickle {
        path: PathBuf,
        #[source]
        source: PickleError,
    },
    #[error("weights `{}` come from a big-endian machine", path.display())]
    BigEndian { path: PathBuf },
    #[error("`{}` contains no tensors where weights are expected: {found}", path.display())]
    NoTensors { path: PathBuf, found: String },
    #[error("folder `{}` contains no weights under a usual name{}", path.display(), listed(found))]
    NoWeights { path: PathBuf, found: Vec<String> },
    #[error(
        "`{}` contains the network more than once, under names that start with {}",
        path.display(),
        prefixes.join(" and with ")
    )]
    Ambiguous { path: PathBuf, prefixes: Vec<String> },
    #[error("`{}` contains two tensors `{name}` after the prefixes of wrappers are removed", path.display())]
    SameName { path: PathBuf, name: String },
    #[error("index `{}` of the weights is unusable: {what}", path.display())]
    Index { path: PathBuf, what: String },
    #[error("tensor `{name}` in `{}` {problem}", path.display())]
    BadTensor { path: PathBuf, name: String, problem: TensorProblem },
    #[error("`{}` has no tensor `{name}`", path.display())]
    MissingTensor { path: PathBuf, name: String },
    #[error("tensor `{name}` in `{}` contains {found:?}, not floating-point numbers", path.display())]
    NotFloat { path: PathBuf, name: String, found: StoredType },
}

/// What is wrong with one tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorProblem {
    #[error("has {found} dimensions, more than {limit}")]
    Rank { found: usize, limit: usize },
    #[error("has a shape that does not fit in memory")]
    Shape,
    #[error("has as many strides as {strides} for a shape of {shape}")]
    Strides { shape: usize, strides: usize },
    #[error("reaches beyond its storage of {storage} numbers")]
    OutOfStorage { storage: u64 },
    #[error("needs {needed} bytes of storage `{storage}`, which has {found}")]
    StorageTooShort { storage: String, needed: u64, found: u64 },
    #[error("is in storage `{storage}`, which is missing")]
    StorageMissing { storage: String },
    #[error("repeats its storage of {storage} numbers to {found}")]
    Repeated { found: usize, storage: u64 },
}

/// The weight files that lie there under other names.
fn listed(found: &[String]) -> String {
    match found {
        [] => String::new(),
        found => format!("; it has `{}`", found.join("`, `")),
    }
}

impl CheckpointError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } | Self::Special { .. } => "check the path and its permissions",
            Self::Empty { .. } | Self::Truncated { .. } => {
                "the download was probably interrupted; fetch it again"
            }
            Self::LfsPointer { .. } => "fetch the file itself, for instance with `git lfs pull`",
            Self::Text { .. } => {
                "the server probably answered with a web page instead of the file; fetch it again"
            }
            Self::Unknown { .. } | Self::NoTensors { .. } => {
                "pass a .safetensors file, a PyTorch state dict or TorchScript archive, or a folder from the hub"
            }
            Self::Outdated { .. } | Self::BigEndian { .. } => {
                "load it with a current PyTorch on a common machine and save the state dict again"
            }
            Self::PlainPickle { .. } => {
                "load it where it was made and save the tensors with torch.save(model.state_dict(), path)"
            }
            Self::Ambiguous { .. } | Self::SameName { .. } => {
                "save the state dict of one of the networks to its own file"
            }
            Self::Forbidden { .. } => {
                "do not load it with other programs unless you trust its source; weights alone can be saved with \
                 torch.save(model.state_dict(), path)"
            }
            Self::NoWeights { .. } => {
                "it should contain model.safetensors or pytorch_model.bin, or one of their indexes; or pass the file itself"
            }
            Self::Zip { .. }
            | Self::Safetensors { .. }
            | Self::Pickle { .. }
            | Self::Index { .. }
            | Self::BadTensor { .. } => {
                "the file is damaged or was made by an unusual program; fetch it again"
            }
            Self::MissingTensor { .. } | Self::NotFloat { .. } => {
                "these are probably the weights of another network"
            }
        }
    }
}
