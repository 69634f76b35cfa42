//! Everything that the spectra of a generator's images tell of it.

use super::features::band_power;
use super::lattice::whole_periods;
use super::{
    Fingerprint, FingerprintSum, GrayPlane, LatticePeaks, MeanCurve, N_MULTIPLES, PowerSpectrum,
    SpectrumError, bin_frequencies, check_size, corvi_spectra,
};

/// A generator (or its decoder) as its images' spectra show it. Means over images, which may differ in size.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    pub n_images: usize,
    /// The middle of each of 64 bands, in cycles per pixel.
    pub frequencies: Vec<f64>,
    /// Mean power in each band.
    pub spectrum: Vec<f64>,
    /// Mean power in each band of the image minus its 3x3 median.
    pub residual_spectrum: Vec<f64>,
    /// Mean of [`super::CorviSpectra::radial`].
    pub radial: Vec<f64>,
    /// Mean of [`super::CorviSpectra::angular`].
    pub angular: Vec<f64>,
    /// Geometric means over images.
    pub peaks: LatticePeaks,
    pub fingerprint: Fingerprint,
    /// [`Fingerprint::autocorrelation`].
    pub autocorrelation: Vec<f64>,
}

/// A signature in the making, image by image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignatureSum {
    spectrum: MeanCurve,
    residual_spectrum: MeanCurve,
    radial: MeanCurve,
    angular: MeanCurve,
    peaks: MeanCurve,
    fingerprint: FingerprintSum,
}

impl SignatureSum {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// # Errors
    /// If a side is shorter than [`super::MIN_SIDE`]; nothing is added then.
    pub fn add(&mut self, plane: &GrayPlane) -> Result<(), SpectrumError> {
        check_size(plane)?;
        let corvi = corvi_spectra(plane)?;
        let plane = whole_periods(plane);
        let residual = PowerSpectrum::of(&plane.median_residual());
        let peaks = LatticePeaks::of_spectrum(&residual);
        self.spectrum.add(&band_power(&PowerSpectrum::of(&plane)))?;
        self.residual_spectrum.add(&band_power(&residual))?;
        self.radial.add(&corvi.radial)?;
        self.angular.add(&corvi.angular)?;
        self.peaks.add(peaks.logarithms().as_flattened())?;
        self.fingerprint.add_spectrum(&residual);
        Ok(())
    }

    /// As if the other's images had been added here. The order of merging may change the last bits.
    ///
    /// # Errors
    /// None in practice: all curves of signatures have one length.
    pub fn merge(&mut self, other: &Self) -> Result<(), SpectrumError> {
        self.spectrum.merge(&other.spectrum)?;
        self.residual_spectrum.merge(&other.residual_spectrum)?;
        self.radial.merge(&other.radial)?;
        self.angular.merge(&other.angular)?;
        self.peaks.merge(&other.peaks)?;
        self.fingerprint.merge(&other.fingerprint);
        Ok(())
    }

    #[must_use]
    pub fn n(&self) -> usize {
        self.spectrum.n()
    }

    /// `None` if there was no image, or none whose residual has any energy.
    #[must_use]
    pub fn finish(&self) -> Option<Signature> {
        let fingerprint = self.fingerprint.finish()?;
        let peaks = self.peaks.mean()?;
        let mut logarithms = [[0.0; N_MULTIPLES]; 4];
        logarithms.as_flattened_mut().copy_from_slice(&peaks);
        Some(Signature {
            n_images: self.n(),
            frequencies: bin_frequencies(),
            spectrum: self.spectrum.mean()?,
            residual_spectrum: self.residual_spectrum.mean()?,
            radial: self.radial.mean()?,
            angular: self.angular.mean()?,
            peaks: LatticePeaks::from_logarithms(logarithms),
            autocorrelation: fingerprint.autocorrelation(),
            fingerprint,
        })
    }
}

/// The signature of a few images in memory; `None` as described for [`SignatureSum::finish`].
///
/// # Errors
/// If a side of an image is shorter than [`super::MIN_SIDE`].
pub fn signature_of<'a>(
    planes: impl IntoIterator<Item = &'a GrayPlane>,
) -> Result<Option<Signature>, SpectrumError> {
    let mut sum = SignatureSum::new();
    planes.into_iter().try_for_each(|plane| sum.add(plane))?;
    Ok(sum.finish())
}

/// [`Fingerprint::similarity`] of each to each: symmetric, ones on the diagonal.
#[must_use]
pub fn similarity_matrix(signatures: &[&Signature]) -> Vec<Vec<f64>> {
    let row = |left: &&Signature| {
        signatures.iter().map(|right| left.fingerprint.similarity(&right.fingerprint)).collect()
    };
    signatures.iter().map(row).collect()
}
