//! Trunks that several detectors share: loaded once, and run once for a crop.

use std::{
    collections::VecDeque,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use imgeval_core::Pixels;
use imgeval_vision::{
    ModelError,
    compute::{Backend, ComputeOptions},
    ops::Activation,
};

use crate::{
    networks::{
        clip_files::open_trunk,
        clip_trunk::{ClipTrunk, Features},
    },
    port::ForensicsError,
    preparation::Normalization,
    trace::Trace,
};

/// Features of so many crops are remembered, about 100 KB each of ViT-L/14: several images at once, each in ten crops.
const REMEMBERED: usize = 64;

/// Hands out one trunk for each file, activation and way of computing.
#[derive(Debug, Default)]
pub struct Trunks {
    open: Mutex<Vec<(Key, Arc<SharedTrunk>)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    path: PathBuf,
    activation: Activation,
    compute: ComputeOptions,
}

/// A vision encoder of CLIP that remembers the features of the last crops. Detectors that judge one image after one another with the
/// same preparation cost one pass an image.
pub struct SharedTrunk {
    trunk: ClipTrunk,
    path: PathBuf,
    backend: Backend,
    last: Mutex<VecDeque<(Asked, Arc<Features>)>>,
    passes: AtomicU64,
}

/// What features were asked for: a crop by its hash, and how its colors are normalized.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    sha256: String,
    normalization: Normalization,
}

impl fmt::Debug for SharedTrunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = self.passes();
        formatter
            .debug_struct("SharedTrunk")
            .field("path", &self.path)
            .field("passes", &passes)
            .finish_non_exhaustive()
    }
}

impl Trunks {
    /// The encoder in this file or folder, loaded on first use.
    ///
    /// # Errors
    /// If it cannot be read, belongs to another network, or the device is unavailable.
    pub fn open(
        &self,
        path: &Path,
        activation: Activation,
        compute: ComputeOptions,
    ) -> Result<Arc<SharedTrunk>, ForensicsError> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let key = Key { path, activation, compute };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, trunk)) = open.iter().find(|(found, _)| *found == key) {
            return Ok(Arc::clone(trunk));
        }
        let trunk = Arc::new(SharedTrunk {
            trunk: open_trunk(&key.path, activation)?,
            path: key.path.clone(),
            backend: Backend::open(&compute)?,
            last: Mutex::default(),
            passes: AtomicU64::new(0),
        });
        open.push((key, Arc::clone(&trunk)));
        Ok(trunk)
    }

    /// How often any of the trunks ran.
    #[must_use]
    pub fn passes(&self) -> u64 {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().map(|(_, trunk)| trunk.passes()).sum()
    }
}

impl SharedTrunk {
    #[must_use]
    pub fn network(&self) -> &ClipTrunk {
        &self.trunk
    }

    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// How often the network ran.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// Numbers of an embedding.
    ///
    /// # Errors
    /// If the file has no projection.
    pub fn embedding_width(&self) -> Result<usize, ForensicsError> {
        self.trunk.embedding_width().ok_or_else(|| {
            let detail = "the vision encoder has no projection to embeddings".to_owned();
            ModelError::Configuration { path: self.path.clone(), detail }.into()
        })
    }

    /// The features of a crop with this hash: those that are remembered, or else of a pass. With a trace the network always runs. Two
    /// threads that ask for the same crop at once may both run it.
    ///
    /// # Errors
    /// If the crop has another size than the network takes, or the network fails.
    pub fn features(
        &self,
        crop: &Pixels,
        sha256: &str,
        normalization: Normalization,
        trace: &mut Trace,
    ) -> Result<Arc<Features>, ForensicsError> {
        let asked = Asked { sha256: sha256.to_owned(), normalization };
        let remembered = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !trace.is_on()
            && let Some((_, features)) = remembered().iter().find(|(found, _)| *found == asked)
        {
            return Ok(Arc::clone(features));
        }
        self.passes.fetch_add(1, Ordering::Relaxed);
        let features = Arc::new(self.trunk.features(crop, normalization, &self.backend, trace)?);
        let mut last = remembered();
        last.truncate(REMEMBERED - 1);
        last.push_front((asked, Arc::clone(&features)));
        Ok(features)
    }
}
