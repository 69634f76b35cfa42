//! What a decoder leaves in the mean over many images: spectra, peaks at its upsampling lattice, fingerprint.
//!
//! After docs/methods.md 8.4: azimuthal power (Durall et al. 2020; of the median residual, Ricker et al.), radial and angular spectra, fingerprint and its
//! autocorrelation (Corvi et al. 2023), peaks at multiples of 1/16 cycles per pixel over their local median (own).

use imgeval_core::{GrayPixels, Pixels};
use imgeval_metrics::spectra::{
    FINGERPRINT_SIDE, Fingerprint, GrayPlane, LATTICE_PERIODS, MAX_FINGERPRINT_IMAGES, SignatureSum,
};
use imgeval_vision::DecodeLimits;
use rayon::prelude::*;

use crate::{
    alike::{Plan, for_each_batch},
    architecture::error::DiagnoseError,
    collect::UsableImage,
};

/// Lags of the autocorrelation that are kept, to each side.
const KEPT_LAGS: usize = 16;

/// The signature of one source of images, but for its fingerprint.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderSignature {
    /// `CLASS/GENERATOR`.
    pub name: String,
    pub n_images: usize,
    /// Cycles per pixel, of both spectra.
    pub frequencies: Vec<f64>,
    pub spectrum: Vec<f64>,
    pub residual_spectrum: Vec<f64>,
    /// The radial and angular spectra of [`imgeval_metrics::spectra::Signature`].
    pub radial: Vec<f64>,
    pub angular: Vec<f64>,
    pub peaks: Vec<LatticePeak>,
    /// The autocorrelation of the fingerprint at lags of -16 to 16 pixels, 33 rows of 33.
    pub autocorrelation: Vec<f64>,
}

/// Power at the points of a period's lattice over its local median; about 1 where there is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatticePeak {
    /// The period in pixels: 8 for a decoder that makes 8x8 pixels of each latent.
    pub period: usize,
    pub score: f64,
}

/// The signature of up to 1,000 squares, and its fingerprint. `None` without images or energy.
pub(crate) fn signature_of(
    name: String,
    images: &[&UsableImage],
    plan: &Plan,
    limits: &DecodeLimits,
) -> Result<Option<(DecoderSignature, Fingerprint)>, DiagnoseError> {
    let images = &images[..images.len().min(MAX_FINGERPRINT_IMAGES)];
    let mut sum = SignatureSum::new();
    for_each_batch(images, plan, limits, None, |_, squares| -> Result<(), DiagnoseError> {
        sum.merge(&sum_of(squares)?)?;
        Ok(())
    })?;
    let Some(signature) = sum.finish() else { return Ok(None) };
    let peaks = LATTICE_PERIODS.into_iter();
    let peaks =
        peaks.filter_map(|period| Some(LatticePeak { period, score: signature.peaks.of_period(period)? }));
    let middle = FINGERPRINT_SIDE / 2;
    let rows = middle - KEPT_LAGS..=middle + KEPT_LAGS;
    let kept = rows.flat_map(|row| {
        let start = row * FINGERPRINT_SIDE + middle - KEPT_LAGS;
        &signature.autocorrelation[start..=start + 2 * KEPT_LAGS]
    });
    let record = DecoderSignature {
        name,
        n_images: signature.n_images,
        autocorrelation: kept.copied().collect(),
        peaks: peaks.collect(),
        frequencies: signature.frequencies,
        spectrum: signature.spectrum,
        residual_spectrum: signature.residual_spectrum,
        radial: signature.radial,
        angular: signature.angular,
    };
    Ok(Some((record, signature.fingerprint)))
}

/// Each square by itself, merged in order.
fn sum_of(squares: &[Pixels]) -> Result<SignatureSum, DiagnoseError> {
    let sums: Vec<SignatureSum> = squares
        .par_iter()
        .map(|square| {
            let mut sum = SignatureSum::new();
            sum.add(&GrayPlane::of(&GrayPixels::luma_of(square)))?;
            Ok(sum)
        })
        .collect::<Result<_, DiagnoseError>>()?;
    let mut total = SignatureSum::new();
    for sum in &sums {
        total.merge(sum)?;
    }
    Ok(total)
}

/// Normalized cross-correlation of each with each.
#[must_use]
pub(crate) fn similarities(fingerprints: &[&Fingerprint]) -> Vec<Vec<f64>> {
    fingerprints.iter().map(|one| fingerprints.iter().map(|other| one.similarity(other)).collect()).collect()
}
