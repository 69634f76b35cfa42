//! A training in progress, and its file: a safetensors file that is replaced after each epoch.
//!
//! | tensors | |
//! |---|---|
//! | `weights/NAME` | as they are after the epoch |
//! | `first_moment/NAME`, `second_moment/NAME` | of AdamW |
//! | `best/NAME` | the weights of the epoch with the lowest validation loss |
//!
//! Everything else stands as JSON under `imgeval_training` in the header's metadata.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

use imgeval_core::json::from_json_str;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{
    description::NetworkDescription,
    error::TrainError,
    optimizer::Moments,
    parameters::{NamedTensor, Numbers, check_tensors},
};

const ENTRY: &str = "imgeval_training";
const VERSION: u32 = 1;
/// No training here has a larger file.
const MAX_BYTES: u64 = 32 << 30;

/// One pass over the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy of the training images as they went through, each by the weights of its moment.
    pub training_loss: f64,
    /// Mean cross-entropy of the validation images after the epoch.
    pub validation_loss: f64,
    /// The share of validation images whose largest logit is their class's.
    pub validation_accuracy: f64,
    /// Whether no earlier epoch had so low a validation loss.
    pub is_best: bool,
}

/// What a training is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binding {
    /// Kind, sizes and initial numbers.
    pub(super) network: NetworkDescription,
    pub(super) settings_sha256: String,
    /// Labels and identities of both sets.
    pub(super) images_sha256: String,
}

/// Between two epochs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrainingState {
    pub(super) weights: Numbers,
    pub(super) moments: Moments,
    pub(super) step: usize,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) best: Numbers,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    binding: Binding,
    step: usize,
    epochs: Vec<EpochRecord>,
}

impl TrainingState {
    pub(super) fn new(weights: Numbers) -> Self {
        Self { moments: Moments::zero(&weights), best: weights.clone(), weights, step: 0, epochs: Vec::new() }
    }

    pub(super) fn best_epoch(&self) -> usize {
        self.epochs.iter().rev().find(|record| record.is_best).map_or(0, |record| record.epoch)
    }

    /// The file is complete or the old one whenever the process ends.
    pub(super) fn write(&self, path: &Path, binding: &Binding) -> Result<(), TrainError> {
        let failed = |source: io::Error| TrainError::WriteCheckpoint { path: path.to_owned(), source };
        let header = Header {
            version: VERSION,
            binding: binding.clone(),
            step: self.step,
            epochs: self.epochs.clone(),
        };
        let header = serde_json::to_string(&header).map_err(|error| failed(error.into()))?;
        let mut entries: Vec<(String, &[usize], &[f32])> = Vec::new();
        for (name, tensor) in &self.weights {
            let shape = tensor.shape.as_slice();
            entries.push((format!("weights/{name}"), shape, &tensor.numbers));
            entries.push((format!("first_moment/{name}"), shape, &self.moments.first[name]));
            entries.push((format!("second_moment/{name}"), shape, &self.moments.second[name]));
            entries.push((format!("best/{name}"), shape, &self.best[name].numbers));
        }
        let bytes: Vec<Cow<'_, [u8]>> = entries.iter().map(|(_, _, numbers)| to_bytes(numbers)).collect();
        let views = entries.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), bytes)?))
        });
        let views = views
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| failed(io::Error::other(error)))?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file =
            tempfile::Builder::new().prefix(imgeval_files::UNFINISHED).tempfile_in(folder).map_err(failed)?;
        // Other processes remove only unfinished files that nobody has locked.
        file.as_file().try_lock().ok();
        let metadata = Some(HashMap::from([(ENTRY.to_owned(), header)]));
        safetensors::serialize_to_file(views, metadata, file.path())
            .map_err(|error| failed(io::Error::other(error)))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// None if there is no such file.
    pub(super) fn read(path: &Path, binding: &Binding) -> Result<Option<Self>, TrainError> {
        let bytes = match imgeval_files::read_regular(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TrainError::ReadCheckpoint { path: path.to_owned(), source }),
        };
        let damaged = |detail: String| TrainError::DamagedCheckpoint { path: path.to_owned(), detail };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let header = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
        let header = header.ok_or_else(|| damaged(format!("its header has no `{ENTRY}`")))?;
        let header: Header = from_json_str(header).map_err(|error| damaged(error.to_string()))?;
        if header.version != VERSION {
            return Err(damaged(format!("its version is {}, this program knows {VERSION}", header.version)));
        }
        let other = |what| Err(TrainError::OtherTraining { path: path.to_owned(), what });
        if header.binding.settings_sha256 != binding.settings_sha256 {
            return other("a setting");
        }
        if header.binding.images_sha256 != binding.images_sha256 {
            return other("the set of images");
        }
        // Last, because the random start depends on both.
        if header.binding.network != binding.network {
            return other("the network");
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let mut groups: BTreeMap<&str, Numbers> = BTreeMap::new();
        for (name, view) in file.iter() {
            let (group, name) = name.split_once('/').unwrap_or(("", name));
            if view.dtype() != Dtype::F32 {
                return Err(damaged(format!("`{}` does not contain 32-bit numbers", name.escape_debug())));
            }
            let tensor = NamedTensor { shape: view.shape().to_vec(), numbers: from_bytes(view.data()) };
            groups.entry(group).or_default().insert(name.to_owned(), tensor);
        }
        let mut take = |group: &str| {
            let tensors = groups.remove(group).unwrap_or_default();
            check_tensors(&binding.network, &tensors)
                .map_err(|error| damaged(format!("`{group}`: {error}")))?;
            Ok::<Numbers, TrainError>(tensors)
        };
        let plain =
            |tensors: Numbers| tensors.into_iter().map(|(name, tensor)| (name, tensor.numbers)).collect();
        let (weights, best) = (take("weights")?, take("best")?);
        let moments = Moments { first: plain(take("first_moment")?), second: plain(take("second_moment")?) };
        Ok(Some(Self { weights, moments, step: header.step, epochs: header.epochs, best }))
    }
}

/// Little-endian, in place where the machine has them so.
fn to_bytes(numbers: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(numbers))
    } else {
        Cow::Owned(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }
}

/// The reverse.
pub(super) fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
