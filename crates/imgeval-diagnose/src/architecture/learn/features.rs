//! Numbers that a linear probe is fitted to, computed from squares in batches.

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::spectra::{GrayPlane, N_SPECTRUM_FEATURES, spectrum_features};
use imgeval_vision::{DecodeLimits, train::ClipEmbedder};
use rayon::prelude::*;

use super::embeddings::EmbeddingCache;
use crate::{
    Event,
    alike::{Degradation, Plan, for_each_batch},
    architecture::error::DiagnoseError,
    collect::UsableImage,
};

/// Where a linear probe's numbers come from.
pub(crate) enum Extractor {
    /// Spectrum of luma and of its median residual, and lattice peaks; needs no weights.
    Spectrum,
    /// Projected embeddings of a frozen CLIP.
    Clip { embedder: Box<ClipEmbedder>, cache: Option<EmbeddingCache> },
}

impl Extractor {
    /// The name of the current stage, for progress messages.
    pub(crate) fn stage(&self) -> &'static str {
        match self {
            Self::Spectrum => "computing spectra",
            Self::Clip { .. } => "computing embeddings",
        }
    }

    /// Numbers of a row.
    #[must_use]
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Spectrum => N_SPECTRUM_FEATURES,
            Self::Clip { embedder, .. } => embedder.width(),
        }
    }

    /// A row of numbers for each square.
    ///
    /// # Errors
    /// If a square is too small, or the network fails.
    pub(crate) fn rows(&self, squares: &[Pixels]) -> Result<Vec<Vec<f32>>, DiagnoseError> {
        match self {
            Self::Spectrum => squares
                .par_iter()
                .map(|square| Ok(spectrum_features(&GrayPlane::of(&GrayPixels::luma_of(square)))?))
                .collect(),
            Self::Clip { embedder, .. } => Ok(embedder.embed(squares)?),
        }
    }
}

/// A row for each image, in order. What a cache holds is not computed again; degraded squares are not kept.
pub(crate) fn extract(
    extractor: &Extractor,
    images: &[&UsableImage],
    plan: &Plan,
    limits: &DecodeLimits,
    degradation: Option<Degradation>,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<Vec<f32>>, DiagnoseError> {
    let cache = match extractor {
        Extractor::Clip { cache: Some(cache), .. } if degradation.is_none() => Some(cache),
        Extractor::Clip { .. } | Extractor::Spectrum => None,
    };
    let known = |image: &UsableImage| cache?.get(&image.examined.sha256, extractor.width());
    let mut rows: Vec<Option<Vec<f32>>> = images.iter().map(|image| known(image)).collect();
    let missing: Vec<usize> = (0..rows.len()).filter(|index| rows[*index].is_none()).collect();
    events(Event::Advanced { images: images.len() - missing.len() });
    let wanted: Vec<&UsableImage> = missing.iter().map(|index| images[*index]).collect();
    for_each_batch(&wanted, plan, limits, degradation, |first, squares| -> Result<(), DiagnoseError> {
        for (place, row) in extractor.rows(squares)?.into_iter().enumerate() {
            let index = missing[first + place];
            if let Some(cache) = cache {
                cache.put(&images[index].examined.sha256, &row)?;
            }
            rows[index] = Some(row);
        }
        events(Event::Advanced { images: squares.len() });
        Ok(())
    })?;
    Ok(rows.into_iter().flatten().collect())
}
