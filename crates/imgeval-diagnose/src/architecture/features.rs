//! Numbers that a linear probe is fitted to, computed from squares in batches.

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::spectra::{GrayPlane, spectrum_features};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;

use super::{
    degrade::Degradation, error::DiagnoseError, events::Event, harmonise::Plan, images::UsableImage,
};

/// Squares that are in memory at once.
const BATCH: usize = 32;

/// Where a linear probe's numbers come from.
#[derive(Debug)]
pub enum Extractor {
    /// Spectrum of luma and of its median residual, and lattice peaks; needs no weights.
    Spectrum,
}

impl Extractor {
    /// A row of numbers for each square.
    ///
    /// # Errors
    /// If a square is too small.
    pub fn rows(&self, squares: &[Pixels]) -> Result<Vec<Vec<f32>>, DiagnoseError> {
        match self {
            Self::Spectrum => squares
                .par_iter()
                .map(|square| Ok(spectrum_features(&GrayPlane::of(&GrayPixels::luma_of(square)))?))
                .collect(),
        }
    }
}

/// Calls `visit` with batches of squares, in order.
pub(crate) fn for_each_batch(
    images: &[&UsableImage],
    plan: &Plan,
    limits: &DecodeLimits,
    degradation: Option<Degradation>,
    mut visit: impl FnMut(&[Pixels]) -> Result<(), DiagnoseError>,
) -> Result<(), DiagnoseError> {
    for batch in images.chunks(BATCH) {
        let squares: Vec<Pixels> = batch
            .par_iter()
            .map(|image| image.square(plan, limits, degradation))
            .collect::<Result<_, _>>()?;
        visit(&squares)?;
    }
    Ok(())
}

/// A row for each image, in order.
pub(crate) fn extract(
    extractor: &Extractor,
    images: &[&UsableImage],
    plan: &Plan,
    limits: &DecodeLimits,
    degradation: Option<Degradation>,
    events: &mut dyn FnMut(Event),
) -> Result<Vec<Vec<f32>>, DiagnoseError> {
    let mut rows = Vec::with_capacity(images.len());
    for_each_batch(images, plan, limits, degradation, |squares| {
        rows.extend(extractor.rows(squares)?);
        events(Event::Advanced { images: squares.len() });
        Ok(())
    })?;
    Ok(rows)
}
