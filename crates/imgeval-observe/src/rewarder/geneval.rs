//! GenEval's rewards, with a detector.

use imgeval_core::{DetectError, Detection, ImageNote, ObserverMeta, Pixels};
use imgeval_runner::NamingLimits;
use imgeval_scoring::objects_of;
use imgeval_suites::geneval::{
    Metadata, Reward, Semantics, Verdict, VerdictError, VerdictOptions, compute_reward,
};
use imgeval_vision::image_file::{DecodeLimits, ImageFileError, inspect_and_decode_for};

use crate::LoadedObserver;

/// Judges images with a detector and GenEval's rules.
pub struct DetectorRewarder {
    loaded: LoadedObserver,
    semantics: Semantics,
    options: VerdictOptions,
    limits: DecodeLimits,
}

/// An image as it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedImage {
    pub detections: Vec<Detection>,
    pub verdict: Verdict,
    pub reward: Reward,
}

/// Why an image was not judged.
#[derive(Debug, thiserror::Error)]
pub enum RewardError {
    #[error(transparent)]
    File(#[from] ImageFileError),
    #[error("its EXIF data rotate it, and the original detects before and crops after the rotation")]
    Rotated,
    #[error(transparent)]
    Detector(#[from] DetectError),
    #[error(transparent)]
    Verdict(#[from] VerdictError),
}

impl DetectorRewarder {
    /// With GenEval's own options, and a detector whose canaries have been checked.
    #[must_use]
    pub fn new(loaded: LoadedObserver, semantics: Semantics, limits: DecodeLimits) -> Self {
        Self { loaded, semantics, options: VerdictOptions::default(), limits }
    }

    /// The same with other options of the verdict.
    #[must_use]
    pub fn with_options(self, options: VerdictOptions) -> Self {
        Self { options, ..self }
    }

    /// Who detects.
    #[must_use]
    pub fn meta(&self) -> &ObserverMeta {
        self.loaded.observer.meta()
    }

    /// What decoding an image for it needs beside the pixels, in bytes for each of them.
    pub(super) fn working_bytes(&self) -> u64 {
        self.loaded.working_bytes
    }

    /// How many threads serve it best.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.loaded.threads.get()
    }

    /// Judges an encoded image.
    ///
    /// # Errors
    /// If it cannot be decoded, and as [`Self::judge_pixels`].
    pub fn judge_file(&self, bytes: &[u8], metadata: &Metadata) -> Result<JudgedImage, RewardError> {
        let image = inspect_and_decode_for(bytes, &self.limits, self.loaded.working_bytes)?;
        self.judge_as(&image.pixels, &image.notes, metadata, self.semantics)
    }

    /// Judges a decoded image.
    ///
    /// # Errors
    /// If it has too many pixels, and as [`Self::judge_as`].
    pub fn judge_pixels(&self, pixels: &Pixels, metadata: &Metadata) -> Result<JudgedImage, RewardError> {
        let limit = self.limits.max_pixels;
        let (width, height) = (pixels.width(), pixels.height());
        if u64::from(width) * u64::from(height) > limit {
            return Err(ImageFileError::TooManyPixels { width, height, limit }.into());
        }
        self.judge_as(pixels, &[], metadata, self.semantics)
    }

    /// Judges a decoded image by these semantics. Where a framework exchanges red and blue, the detector sees them exchanged; colors are
    /// named as they are.
    ///
    /// # Errors
    /// If the detector cannot process it, a color is missing that the verdict needs, or a framework would not see it as it is.
    pub fn judge_as(
        &self,
        pixels: &Pixels,
        notes: &[ImageNote],
        metadata: &Metadata,
        semantics: Semantics,
    ) -> Result<JudgedImage, RewardError> {
        let exchanges = semantics.exchanges_red_and_blue();
        if exchanges && notes.contains(&ImageNote::ExifRotated) {
            return Err(RewardError::Rotated);
        }
        let exchanged = exchanges.then(|| with_red_and_blue_exchanged(pixels)).transpose()?;
        let has_color = |category| {
            metadata.include.iter().any(|clause| clause.category == category && clause.color.is_some())
        };
        let seen = exchanged.as_ref().unwrap_or(pixels);
        // The weakest objects that the verdict may look at, and as many of them.
        let above = self.options.threshold.min(self.options.counting_threshold) as f32;
        let limits = NamingLimits { above, per_category: self.options.max_objects };
        let detections = self.loaded.observer.look_for(seen, pixels, has_color, limits)?;
        let objects = objects_of(&detections);
        let (verdict, reward) = compute_reward(metadata, &objects, &self.options, semantics)?;
        Ok(JudgedImage { detections, verdict, reward })
    }
}

fn with_red_and_blue_exchanged(pixels: &Pixels) -> Result<Pixels, ImageFileError> {
    let mut values = pixels.rgb().to_vec();
    values.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
    Pixels::new(pixels.width(), pixels.height(), values).ok_or(ImageFileError::Empty)
}
