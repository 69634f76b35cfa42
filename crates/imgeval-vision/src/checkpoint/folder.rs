//! Folders in the Hugging Face layout: one file, or an index that says which shard holds which tensor.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::error::CheckpointError;

/// In the order of preference, each with its index.
const LAYOUTS: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

const MAX_INDEX: u64 = 32 << 20;
const MAX_SHARDS: usize = 4096;

/// The files of a folder's weights.
pub(super) struct WeightFiles {
    pub(super) files: Vec<PathBuf>,
    /// Which tensors the index promises, where there is one.
    pub(super) promised: Vec<String>,
    pub(super) index: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The weight files of a folder, sorted by name.
pub(crate) fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    Ok(find_weights(folder)?.files)
}

pub(super) fn find_weights(folder: &Path) -> Result<WeightFiles, CheckpointError> {
    for (single, index) in LAYOUTS {
        let path = folder.join(single);
        if path.exists() {
            return Ok(WeightFiles { files: vec![path], promised: Vec::new(), index: None });
        }
        let path = folder.join(index);
        if path.exists() {
            return read_index(folder, path);
        }
    }
    Err(CheckpointError::NoWeights { path: folder.to_owned() })
}

fn read_index(folder: &Path, path: PathBuf) -> Result<WeightFiles, CheckpointError> {
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_INDEX).read_to_end(&mut text))
        .map_err(|source| CheckpointError::Unavailable { path: path.clone(), source })?;
    let bad = |what: String| CheckpointError::Index { path: path.clone(), what };
    let index: Index = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let shards: BTreeSet<&String> = index.weight_map.values().collect();
    if shards.is_empty() || shards.len() > MAX_SHARDS {
        return Err(bad(format!("it names {} files", shards.len())));
    }
    // Plain names only: an index must not lead out of its folder.
    if let Some(shard) = shards.iter().find(|name| !is_plain(name)) {
        let shown: String = shard.escape_debug().take(80).collect();
        return Err(bad(format!("it names the file `{shown}`")));
    }
    let files = shards.into_iter().map(|name| folder.join(name)).collect();
    Ok(WeightFiles { files, promised: index.weight_map.into_keys().collect(), index: Some(path) })
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}
