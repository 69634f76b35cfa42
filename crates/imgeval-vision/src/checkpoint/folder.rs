//! Folders in the Hugging Face layout: one file, or an index that says which shard holds which tensor.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use imgeval_core::json::from_json_slice;
use serde::Deserialize;

use super::error::CheckpointError;

/// In the order of preference, each with its index.
const LAYOUTS: [(&str, &str); 4] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ("open_clip_model.safetensors", "open_clip_model.safetensors.index.json"),
    ("open_clip_pytorch_model.bin", "open_clip_pytorch_model.bin.index.json"),
];

/// How names of weight files end; such files are listed when none of the usual ones is there.
const ENDINGS: [&str; 6] = [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".index.json"];

/// So many are listed.
const MAX_LISTED: usize = 5;

const MAX_INDEX: u64 = 32 << 20;
const MAX_SHARDS: usize = 4096;

/// The files of a folder's weights.
pub(super) struct WeightFiles {
    pub(super) files: Vec<PathBuf>,
    /// Where there are several files.
    pub(super) index: Option<ShardIndex>,
}

/// Which tensor is in which shard. It decides: tensors that it puts elsewhere, or does not name, are not the model's.
pub(super) struct ShardIndex {
    pub(super) path: PathBuf,
    /// Index of the file for each tensor.
    pub(super) file_of: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The weight files of a folder in the Hugging Face layout, sorted by name.
///
/// # Errors
/// If none lies there under a usual name, or their index cannot be read.
pub fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    Ok(find_weights(folder)?.files)
}

pub(super) fn find_weights(folder: &Path) -> Result<WeightFiles, CheckpointError> {
    for (single, index) in LAYOUTS {
        let path = folder.join(single);
        if path.exists() {
            return Ok(WeightFiles { files: vec![path], index: None });
        }
        let path = folder.join(index);
        if path.exists() {
            return read_index(folder, path);
        }
    }
    Err(CheckpointError::NoWeights { path: folder.to_owned(), found: other_weights(folder) })
}

/// Files that look like weights, under other names.
fn other_weights(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> =
        names.filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending))).collect();
    names.sort();
    names.truncate(MAX_LISTED);
    names.iter().map(|name| name.escape_debug().take(80).collect()).collect()
}

fn read_index(folder: &Path, path: PathBuf) -> Result<WeightFiles, CheckpointError> {
    let text = imgeval_files::read_regular(&path, MAX_INDEX)
        .map_err(|source| CheckpointError::Unavailable { path: path.clone(), source })?;
    let bad = |what: String| CheckpointError::Index { path: path.clone(), what };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let index: Index = from_json_slice(text).map_err(|error| bad(error.to_string()))?;
    let shards: BTreeSet<&String> = index.weight_map.values().collect();
    if shards.is_empty() || shards.len() > MAX_SHARDS {
        return Err(bad(format!("it names {} files", shards.len())));
    }
    // Plain names only: an index must not lead out of its folder.
    if let Some(shard) = shards.iter().find(|name| !is_plain(name)) {
        let shown: String = shard.escape_debug().take(80).collect();
        return Err(bad(format!("it names the file `{shown}`")));
    }
    let files = shards.iter().map(|name| folder.join(name)).collect();
    let places: BTreeMap<&String, usize> =
        shards.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let file_of = index
        .weight_map
        .iter()
        .filter_map(|(tensor, shard)| Some((tensor.clone(), *places.get(shard)?)))
        .collect();
    Ok(WeightFiles { files, index: Some(ShardIndex { path, file_of }) })
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}
