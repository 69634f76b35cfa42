//! A checkpoint: its files and what is in them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use half::{bf16, f16};
use imgeval_files::{Unsuitable, open_regular};

use super::{
    error::CheckpointError,
    folder::{ShardIndex, find_weights},
    mapping::Mapping,
    safetensors_file,
    sniff::{Content, sniff},
    stored::{Stored, StoredType, TensorInfo},
    torch_legacy, torch_zip,
    wrappers::{Unwrapping, averages_beside},
};

/// So many names are listed of a checkpoint of another network.
const LISTED: usize = 6;

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
    /// A state dict may lie under `state_dict`, `model`, `ema` and other keys that training frameworks use; names are its
    /// own (see [`Self::unwrapped`]). Names of TorchScript tensors are dotted paths of attributes. Of several shards, the
    /// index decides which holds a tensor. No tensor is read.
    ///
    /// # Errors
    /// If it cannot be read, is none of these, is damaged, or names Python code that no weights need.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let metadata = std::fs::metadata(path)
            .map_err(|source| CheckpointError::Unavailable { path: path.to_owned(), source })?;
        if !metadata.is_dir() {
            return Self::from_files(path, vec![open_file(path)?], None);
        }
        let weights = find_weights(path)?;
        let files = weights.files.iter().map(|file| open_file(file)).collect::<Result<_, _>>()?;
        Self::from_files(path, files, weights.index)
    }

    /// Opens the bytes of a file that is in memory; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        Self::from_files(path, vec![Mapping::from_bytes(path.to_owned(), bytes)], None)
    }

    fn from_files(
        path: &Path,
        files: Vec<Mapping>,
        shards: Option<ShardIndex>,
    ) -> Result<Self, CheckpointError> {
        let mut tensors = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            let found = match sniff(file)? {
                Content::Safetensors => safetensors_file::read(file)?,
                Content::Zip => torch_zip::read(file)?,
                Content::Legacy { magic } => torch_legacy::read(file, magic)?,
            };
            let is_here =
                |name: &str| shards.as_ref().is_none_or(|shards| shards.file_of.get(name) == Some(&index));
            let here = found.into_iter().filter(|(name, _)| is_here(name));
            tensors.extend(here.map(|(name, stored)| (name, Stored { file: index, ..stored })));
        }
        if let Some(ShardIndex { path, file_of }) = shards
            && let Some((name, file)) = file_of.into_iter().find(|(name, _)| !tensors.contains_key(name))
        {
            let shard = files.get(file).and_then(|file| file.path().file_name()).unwrap_or_default();
            let (name, shard) = (shown(&name), shard.to_string_lossy());
            let what = format!("tensor `{name}` is not in `{shard}`, where it should be");
            return Err(CheckpointError::Index { path, what });
        }
        Ok(Self { path: path.to_owned(), files, tensors })
    }

    /// The file or folder that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same tensors without the prefixes that wrappers put before names: `module.` (DataParallel and the like),
    /// `_orig_mod.` (`torch.compile`), `model.` (Lightning), alone or combined. `anchors` are starts of names that the
    /// network has of its own; where one is there as it is, or none at all, no name changes. A moving average that lies beside
    /// the trained weights under names such as `ema.` is left out.
    ///
    /// # Errors
    /// If the network is there under several prefixes, or two names would become one.
    pub fn unwrapped(mut self, anchors: &[&str]) -> Result<Self, CheckpointError> {
        if let Some(unwrapping) = Unwrapping::find(&self.path, self.tensors.keys(), anchors)? {
            let mut tensors = BTreeMap::new();
            for (stored, tensor) in std::mem::take(&mut self.tensors) {
                let Some(name) = unwrapping.name_of(&stored) else { continue };
                if tensors.insert(name.clone(), tensor).is_some() {
                    return Err(CheckpointError::SameName { path: self.path, name: shown(&name) });
                }
            }
            self.tensors = tensors;
        }
        for name in averages_beside(&self.tensors) {
            self.tensors.remove(&name);
        }
        Ok(self)
    }

    /// The first names in words, for a checkpoint that is of another network.
    pub fn describe(&self) -> String {
        let names = self.tensors.keys().take(LISTED).map(|name| format!("`{}`", shown(name)));
        let names = names.collect::<Vec<_>>().join(", ");
        match self.tensors.len() {
            1 => format!("its only tensor is {names}"),
            count if count <= LISTED => format!("its {count} tensors are {names}"),
            count => format!("the first of its {count} tensors are {names}"),
        }
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

fn shown(name: &str) -> String {
    name.chars().take(120).flat_map(char::escape_debug).collect()
}

fn open_file(path: &Path) -> Result<Mapping, CheckpointError> {
    let unavailable = |source| CheckpointError::Unavailable { path: path.to_owned(), source };
    let file = open_regular(path).map_err(|error| match Unsuitable::of(&error) {
        Some(_) => CheckpointError::Special { path: path.to_owned() },
        None => unavailable(error),
    })?;
    if file.metadata().map_err(unavailable)?.len() == 0 {
        return Err(CheckpointError::Empty { path: path.to_owned() });
    }
    Mapping::new(path, &file).map_err(unavailable)
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
