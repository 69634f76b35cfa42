//! Traces that generators leave in the frequencies of their images.
//!
//! An image is a [`GrayPlane`]: one number a pixel in [0, 1]. Frequencies are in cycles per pixel, 0.5 is the highest that a row
//! can hold. Power is the squared magnitude of the orthonormal Fourier transform, so that white noise of variance v has
//! power v everywhere, whatever the size.
//!
//! - [`azimuthal_power`] (Durall et al. 2020), [`high_pass_azimuthal_power`] (Ricker et al. 2022) and [`corvi_spectra`] (Corvi et
//!   al. 2023) are published curves; [`MeanCurve`] averages them over images.
//! - [`LatticePeaks`] looks where upsampling by 2, 4, 8 or 16 leaves its peaks.
//! - [`spectrum_features`] describes one image to a classifier, whatever its size.
//! - [`FingerprintSum`] and [`SignatureSum`] describe a generator by many images. They take one image at a time; parts merged
//!   in a fixed order give the same bytes every time on one machine; another may differ in the last bits, because the Fourier transform uses
//!   the widest registers that the processor has.
//!
//! The denoiser behind every residual is the 3x3 median, edges repeated ([`GrayPlane::median_residual`]): the high-pass of Ricker et al.
//! Known deviation: Corvi et al. use a denoising network, whose weights are not ours to ship. The median leaves more of
//! the image's edges in the residual, so more images are needed for the same fingerprint.

mod curves;
mod features;
mod fingerprint;
mod lattice;
mod plane;
mod power;
mod resize;
mod signature;
#[cfg(test)]
mod tests;

pub use curves::{
    ANGULAR_SECTORS, CORVI_SIDE, CorviSpectra, MeanCurve, azimuthal_power, corvi_spectra,
    high_pass_azimuthal_power,
};
pub use features::{
    N_SPECTRUM_FEATURES, SPECTRUM_BINS, bin_frequencies, spectrum_feature_name, spectrum_features,
};
pub use fingerprint::{FINGERPRINT_SIDE, Fingerprint, FingerprintSum, MAX_FINGERPRINT_IMAGES};
pub use lattice::{Direction, LATTICE_PERIODS, LatticePeaks, N_MULTIPLES};
pub use plane::GrayPlane;
pub use power::PowerSpectrum;
pub use signature::{Signature, SignatureSum, signature_of, similarity_matrix};

/// Pixels on the shorter side below which a spectrum has too few frequencies to be described.
pub const MIN_SIDE: usize = 64;

/// Why an image has no spectrum, or two curves no mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpectrumError {
    #[error(
        "an image of {width}x{height} pixels has too few frequencies: each side needs at least {MIN_SIDE} pixels"
    )]
    TooSmall { width: usize, height: usize },
    #[error("a curve of {found} points cannot be averaged with curves of {expected}: use images of one size")]
    OtherLength { expected: usize, found: usize },
}

fn check_size(plane: &GrayPlane) -> Result<(), SpectrumError> {
    let (width, height) = (plane.width(), plane.height());
    if width.min(height) < MIN_SIDE { Err(SpectrumError::TooSmall { width, height }) } else { Ok(()) }
}
