//! Trained parameters in files from outside: found, checked and read, without trusting a byte of them.
//!
//! [`Checkpoint::open`] looks at what a file holds, not at its name:
//!
//! | content | read by |
//! |---|---|
//! | safetensors | `safetensors_file`, over the `safetensors` crate's header parser |
//! | PyTorch since 1.6 and TorchScript: a zip archive of a pickle and one entry a storage | `torch_zip` |
//! | PyTorch's plain format, the only one before 1.6: pickles in a row, then the storages | `torch_legacy` |
//! | a folder as the Hugging Face hub lays it out, in one file or in shards | `folder` |
//!
//! Training frameworks put the tensors below a key (`nests`) and a prefix before their names (`wrappers`); both are taken
//! off.
//!
//! Files are mapped, so a tensor's pages are read when the tensor is. Pickles are programs; `pickle` interprets the few
//! instructions that describe tensors and refuses everything else: **nothing in a file is ever executed**.
//! [`Parameters`] matches the tensors with what a network needs.

mod error;
mod folder;
mod mapping;
mod nests;
mod parameters;
mod pickle;
mod safetensors_file;
mod sniff;
mod stored;
mod tensors;
mod torch;
mod torch_legacy;
mod torch_zip;
mod wrappers;
mod zip_directory;

pub use folder::weight_files;

pub use error::{CheckpointError, TensorProblem};
pub use parameters::{Misshaped, Parameter, ParameterError, Parameters};
pub use pickle::PickleError;
pub use stored::{StoredType, TensorInfo};
pub use tensors::Checkpoint;
pub use zip_directory::ZipError;
