//! Embeddings of a frozen CLIP, kept by image, weights and plan, so that none is computed twice.
//!
//! `FOLDER/KEY/ab/abcdef….f32`: the key is a hash over the embedder's identity and the plan, the name the SHA-256 of the image file, the
//! content little-endian 32-bit floats.

use std::{
    io,
    path::{Path, PathBuf},
};

use imgeval_files::OwnFolder;
use imgeval_vision::{
    compute::ComputeOptions,
    train::{ClipEmbedder, Framing, embedding_from_bytes, embedding_to_bytes},
};
use sha2::{Digest as _, Sha256};

use crate::{alike::Plan, architecture::error::DiagnoseError};

#[derive(Debug)]
pub(crate) struct EmbeddingCache {
    folder: PathBuf,
}

impl EmbeddingCache {
    #[must_use]
    pub(crate) fn new(folder: &Path, identity: &str, plan: &Plan) -> Self {
        let key = Sha256::digest(format!("{identity}\n{}", plan.describe()));
        let key: String = key.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { folder: folder.join(key) }
    }

    fn path(&self, image_sha256: &str) -> PathBuf {
        self.folder.join(&image_sha256[..2]).join(format!("{image_sha256}.f32"))
    }

    /// Returns an entry; a damaged one counts as absent.
    pub(crate) fn get(&self, image_sha256: &str, width: usize) -> Option<Vec<f32>> {
        let limit = width as u64 * size_of::<f32>() as u64;
        embedding_from_bytes(&imgeval_files::read_regular(&self.path(image_sha256), limit).ok()?, width)
    }

    pub(crate) fn put(&self, image_sha256: &str, embedding: &[f32]) -> Result<(), DiagnoseError> {
        let path = self.path(image_sha256);
        let write = || -> io::Result<()> {
            let (folder, name) = OwnFolder::of_file(&path)?;
            folder.write_unsynced(name, &embedding_to_bytes(embedding))
        };
        write().map_err(|source| DiagnoseError::Cache { path: path.clone(), source })
    }
}

/// Loads a CLIP for embeddings.
///
/// # Errors
/// If the weights cannot be used.
pub fn load_embedder(
    weights: &Path,
    sha256: &str,
    framing: Framing,
    compute: &ComputeOptions,
) -> Result<ClipEmbedder, DiagnoseError> {
    Ok(ClipEmbedder::load(weights, sha256, framing, compute)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alike::Sizing;

    #[test]
    fn embeddings_are_found_again_under_their_own_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { side: 64, sizing: Sizing::CentreCrop, jpeg: None };
        let cache = EmbeddingCache::new(folder.path(), "clip a", &plan);
        let image = "ab".repeat(32);
        assert_eq!(cache.get(&image, 2), None);
        cache.put(&image, &[1.5, -2.0]).unwrap();
        assert_eq!(cache.get(&image, 2), Some(vec![1.5, -2.0]));
        assert_eq!(cache.get(&image, 3), None, "another width");
        assert_eq!(EmbeddingCache::new(folder.path(), "clip b", &plan).get(&image, 2), None);
        let other = Plan { side: 80, ..plan };
        assert_eq!(EmbeddingCache::new(folder.path(), "clip a", &other).get(&image, 2), None);
    }
}
