//! A checkpoint: its files and what is in them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use half::{bf16, f16};

use super::{
    error::{CheckpointError, TensorProblem},
    folder::find_weights,
    mapping::Mapping,
    safetensors_file,
    sniff::{Content, sniff},
    stored::{Stored, StoredType, TensorInfo},
    torch_legacy, torch_zip,
};

/// Trained parameters, in one file or in several; can be shared between threads.
pub struct Checkpoint {
    path: PathBuf,
    files: Vec<Mapping>,
    tensors: BTreeMap<String, Stored>,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Checkpoint")
            .field("path", &self.path)
            .field("tensors", &self.tensors.len())
            .finish_non_exhaustive()
    }
}

impl Checkpoint {
    /// Opens a safetensors file, a PyTorch state dict or TorchScript archive, or a folder in the Hugging Face layout
    /// (`model.safetensors` or `pytorch_model.bin`, or their index with shards). The content decides, not the name.
    ///
    /// A state dict may lie under `state_dict`, `model`, `model_state_dict` or `params`; names are its own. Names of
    /// TorchScript tensors are dotted paths of attributes. No tensor is read.
    ///
    /// # Errors
    /// If it cannot be read, is none of these, is damaged, or names Python code that no weights need.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let metadata = std::fs::metadata(path)
            .map_err(|source| CheckpointError::Unavailable { path: path.to_owned(), source })?;
        if !metadata.is_dir() {
            return Self::from_files(path, vec![open_file(path)?]);
        }
        let weights = find_weights(path)?;
        let files = weights.files.iter().map(|file| open_file(file)).collect::<Result<_, _>>()?;
        let checkpoint = Self::from_files(path, files)?;
        let missing = weights.promised.into_iter().find(|name| !checkpoint.tensors.contains_key(name));
        match (missing, weights.index) {
            (Some(name), Some(path)) => {
                let what = format!("tensor `{}` is in none of its files", name.escape_debug());
                Err(CheckpointError::Index { path, what })
            }
            _ => Ok(checkpoint),
        }
    }

    /// Opens the bytes of a file that is in memory; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        Self::from_files(path, vec![Mapping::from_bytes(path.to_owned(), bytes)])
    }

    fn from_files(path: &Path, files: Vec<Mapping>) -> Result<Self, CheckpointError> {
        let mut tensors = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            let found = match sniff(file)? {
                Content::Safetensors => safetensors_file::read(file)?,
                Content::Zip => torch_zip::read(file)?,
                Content::Legacy => torch_legacy::read(file)?,
            };
            for (name, stored) in found {
                if tensors.contains_key(&name) {
                    let path = file.path().to_owned();
                    let name = name.escape_debug().take(120).collect();
                    return Err(CheckpointError::BadTensor { path, name, problem: TensorProblem::Twice });
                }
                tensors.insert(name, Stored { file: index, ..stored });
            }
        }
        Ok(Self { path: path.to_owned(), files, tensors })
    }

    /// The file or folder that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every tensor, sorted by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), &stored.info))
    }

    /// Shape and type of a tensor.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name).map(|stored| &stored.info)
    }

    /// A tensor's numbers in row-major order. 16-bit numbers are widened exactly, 64-bit ones rounded to the nearest.
    ///
    /// # Errors
    /// If there is no such tensor, or it holds something else than floating-point numbers.
    pub fn read_f32(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let stored = self.tensors.get(name).ok_or_else(|| CheckpointError::MissingTensor {
            path: self.path.clone(),
            name: name.to_owned(),
        })?;
        let bytes = self.bytes_of(stored);
        Ok(match stored.info.dtype {
            StoredType::F32 => gather(bytes, stored, f32::from_le_bytes),
            StoredType::F16 => gather(bytes, stored, |bytes| f16::from_le_bytes(bytes).to_f32()),
            StoredType::BF16 => gather(bytes, stored, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            StoredType::F64 => gather(bytes, stored, |bytes| f64::from_le_bytes(bytes) as f32),
            found => {
                let path = self.path.clone();
                return Err(CheckpointError::NotFloat { path, name: name.to_owned(), found });
            }
        })
    }

    /// A tensor in place, if it is stored as aligned little-endian 32-bit floats in row-major order without gaps.
    #[must_use]
    pub fn as_f32_slice(&self, name: &str) -> Option<&[f32]> {
        let stored = self.tensors.get(name)?;
        let fits = cfg!(target_endian = "little")
            && stored.info.dtype == StoredType::F32
            && stored.strides.is_none();
        if !fits {
            return None;
        }
        bytemuck::try_cast_slice(self.bytes_of(stored)).ok()
    }

    /// Says that a tensor will not be read again soon, so that its pages need not stay in memory. Only a hint.
    pub fn release(&self, name: &str) {
        if let Some(stored) = self.tensors.get(name) {
            self.files[stored.file].release(stored.bytes.clone());
        }
    }

    /// From the first to the last element; the range was checked against the file.
    fn bytes_of(&self, stored: &Stored) -> &[u8] {
        &self.files[stored.file].bytes()[stored.bytes.clone()]
    }
}

fn open_file(path: &Path) -> Result<Mapping, CheckpointError> {
    let unavailable = |source| CheckpointError::Unavailable { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(unavailable)?;
    if !metadata.is_file() {
        return Err(CheckpointError::Special { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(CheckpointError::Empty { path: path.to_owned() });
    }
    Mapping::open(path).map_err(unavailable)
}

/// The elements in row-major order.
fn gather<const SIZE: usize>(bytes: &[u8], stored: &Stored, read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    let Some(strides) = &stored.strides else {
        return elements.iter().map(|element| read(*element)).collect();
    };
    let shape = &stored.info.shape;
    let count = shape.iter().product();
    let mut numbers = Vec::with_capacity(count);
    let mut index = vec![0; shape.len()];
    let mut position = 0;
    for _ in 0..count {
        numbers.push(read(elements[position]));
        // Counts up like a mileage counter, the last dimension fastest.
        for dimension in (0..shape.len()).rev() {
            index[dimension] += 1;
            position += strides[dimension];
            if index[dimension] < shape[dimension] {
                break;
            }
            position -= strides[dimension] * shape[dimension];
            index[dimension] = 0;
        }
    }
    numbers
}
