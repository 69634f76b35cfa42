//! The five metrics of an edited image (docs/methods.md 2.2), with the networks loaded once for many pairs.
//!
//! As SmartEdit's `test/metrics_evaluation.py`: everything to 256x256 (images bicubic, mask nearest, as Pillow scales), both images
//! without the masked region, and CLIPScore of the edited image cut to the region.
//!
//! Known deviations from Pillow's `open` and `convert`, which read files there: images are turned upright by their EXIF
//! orientation, 16-bit gray keeps its high byte where Pillow saturates, and CMYK becomes RGB by OpenCV's formula. Other JPEG
//! files have the same values, because both decode with libjpeg-turbo. That matters for masks, because every pixel that is not
//! black belongs to the region: around a mask in a JPEG file lies a rim of values like 1 to 7, which widens the region by a
//! pixel or two and which another decoder may put at 0. On the two masks of the shared data regions are equal to Pillow's, PSNR
//! differs by 3e-6 dB and SSIM by 5e-6.

use std::path::{Path, PathBuf};

use imgeval_core::{GrayPixels, Pixels};
use imgeval_fetch::weights::{self, Hashing, Member, Places, StoreError, locate_member};
use imgeval_metrics::edit::{
    Background, EditMetricError, Psnr, Region, hide_region, mean_squared_error, psnr_of, region_of,
    structural_similarity,
};
use imgeval_vision::{
    Lpips, ModelError,
    clip::Clip,
    compute::ComputeOptions,
    resample::pillow::{Filter, crop, resize, resize_gray},
};

use crate::{
    Model, ObserverError, given_or_pulled,
    models::{is_pulled_clip, sha256_of_weights},
};

/// Raised whenever our code could give other numbers for the same images.
const VERSION: u32 = 1;

/// Pixels on a side of everything that is compared.
pub const SIDE: u32 = 256;

/// What one pair gave.
#[derive(Debug, Clone, PartialEq)]
pub struct EditMetrics {
    /// Of the mask at [`SIDE`]; as a cut, right and bottom are exclusive.
    pub region: Region,
    /// How much of the image the mask leaves to compare, in [0, 1]. The rest is equal by making and flatters all four.
    pub visible_share: f64,
    pub psnr: Psnr,
    pub ssim: f64,
    pub mse: f64,
    pub lpips: Option<f64>,
    /// From 0 to 100.
    pub clip_score: Option<f64>,
    /// Missing metrics by name, with the reason.
    pub missing: Vec<(&'static str, MissingMetric)>,
}

/// Why a metric is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingMetric {
    #[error("no text was given")]
    TextNotGiven,
    /// Why, and the set of weights that they belong to.
    #[error("{reason}")]
    WeightsAbsent { reason: String, set: &'static str },
    #[error("the region is one pixel wide or high, so nothing can be cropped")]
    RegionWithoutInside,
}

/// Why a pair has no metrics.
#[derive(Debug, thiserror::Error)]
pub enum EditMeterError {
    #[error("the mask is black at {SIDE}x{SIDE} pixels: it marks no region")]
    EmptyMask,
    #[error(transparent)]
    Metric(#[from] EditMetricError),
    #[error(transparent)]
    Network(#[from] ModelError),
}

/// The networks behind the metrics of edits; those that are not named are looked for where they were pulled to.
#[derive(Debug, Clone)]
pub struct EditWeights {
    pub lpips_trunk: Option<PathBuf>,
    pub lpips_heads: Option<PathBuf>,
    pub clip: Option<PathBuf>,
    pub compute: ComputeOptions,
    pub places: Places,
}

/// What tells the numbers of one meter from those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditMeterFacts {
    pub version: u32,
    /// Trunk and heads.
    pub lpips_sha256: Option<[String; 2]>,
    pub clip_sha256: Option<String>,
    /// Everything else that changes the answer.
    pub parameters: String,
    /// Whether they are the weights of the official evaluation; `false` for those that are missing.
    pub is_lpips_official: bool,
    pub is_clip_official: bool,
}

impl EditMeterFacts {
    /// Version and weights, `-` where a network is missing.
    #[must_use]
    pub fn id(&self) -> String {
        let lpips = self.lpips_sha256.as_ref().map_or("-".to_owned(), |both| both.join("+"));
        let clip = self.clip_sha256.as_deref().unwrap_or("-");
        format!("edit-metrics-{};lpips={lpips};clip={clip};{}", self.version, self.parameters)
    }
}

/// Measures pairs.
pub struct EditMeter {
    lpips: Result<Lpips, MissingMetric>,
    clip: Result<Clip, MissingMetric>,
    facts: EditMeterFacts,
}

impl EditMeter {
    /// Loads the available networks: weights that are named, otherwise pulled ones. CLIP is only needed if texts will
    /// be given.
    ///
    /// # Errors
    /// If named or installed weights cannot be used, or a network fails its check.
    pub fn load(weights: &EditWeights, has_texts: bool) -> Result<Self, ObserverError> {
        let lpips = locate_lpips(weights)?;
        let clip = if has_texts { locate_clip(weights)? } else { Err(MissingMetric::TextNotGiven) };
        let EditWeights { compute: options, places, .. } = weights;
        let sha256_of = |path: &Path| sha256_of_weights(path, &places.models_dir);
        let mut facts = EditMeterFacts {
            version: VERSION,
            lpips_sha256: None,
            clip_sha256: None,
            parameters: String::new(),
            is_lpips_official: false,
            is_clip_official: false,
        };
        let lpips = match lpips {
            Ok([trunk, heads]) => {
                Lpips::canary()?;
                let network = Lpips::load(&trunk, &heads)?;
                let both = [sha256_of(&trunk)?, sha256_of(&heads)?];
                facts.is_lpips_official = both[0].starts_with(weights::LPIPS_TRUNK.sha256_start)
                    && both[1] == weights::LPIPS_HEADS.sha256;
                facts.lpips_sha256 = Some(both);
                Ok(network)
            }
            Err(missing) => Err(missing),
        };
        facts.parameters = format!("device={};dtype={}", options.device.name(), options.precision.name());
        let clip = match clip {
            Ok(path) => {
                let network = Clip::load(&path, options)?;
                network.canary()?;
                let sha256 = sha256_of(&path)?;
                facts.is_clip_official = network.has_official_shape()
                    && *options == ComputeOptions::default()
                    && is_pulled_clip(&sha256, places);
                facts.clip_sha256 = Some(sha256);
                Ok(network)
            }
            Err(missing) => Err(missing),
        };
        Ok(Self { lpips, clip, facts })
    }

    #[must_use]
    pub fn facts(&self) -> &EditMeterFacts {
        &self.facts
    }

    /// Computes everything that can be measured for a pair; the sizes may differ. Missing metrics are reported, not
    /// errors.
    ///
    /// # Errors
    /// If the mask marks no region, or a network fails.
    pub fn measure(
        &self,
        source: &Scaled,
        edited: &Scaled,
        mask: &GrayPixels,
        text: Option<&str>,
    ) -> Result<EditMetrics, EditMeterError> {
        let mask = resize_gray(mask, SIDE, SIDE, Filter::Nearest);
        let region = region_of(&mask).ok_or(EditMeterError::EmptyMask)?;
        let [source, edited] = [source, edited].map(|scaled| &scaled.pixels);
        let (before, after) = (hide_region(source, &mask)?, hide_region(edited, &mask)?);
        let mse = mean_squared_error(&before, &after)?;
        let (lpips, no_lpips) = parted(self.distance(&before, &after)?);
        let (clip_score, no_clip_score) = parted(self.clip_score(edited, region, text)?);
        let missing = [("lpips", no_lpips), ("clip_score", no_clip_score)];
        Ok(EditMetrics {
            region,
            visible_share: visible_share(&mask),
            psnr: psnr_of(mse),
            ssim: structural_similarity(&before, &after)?,
            mse,
            lpips,
            clip_score,
            missing: missing.into_iter().filter_map(|(name, reason)| Some((name, reason?))).collect(),
        })
    }

    /// LPIPS of two images that were cut out of a pair (`imgeval_metrics::registration::Likeness`), each scaled to [`SIDE`] first;
    /// or why it is missing.
    ///
    /// # Errors
    /// If the network fails.
    pub fn distance_of(&self, crops: &[Pixels; 2]) -> Result<Result<f64, MissingMetric>, ModelError> {
        let lpips = match &self.lpips {
            Ok(lpips) => lpips,
            Err(missing) => return Ok(Err(missing.clone())),
        };
        let [source, edited] = crops.each_ref().map(|pixels| {
            let scaled = resize(pixels, SIDE, SIDE, Filter::Bicubic);
            scaled.rgb().iter().map(|value| f32::from(*value) / 255.0).collect::<Vec<f32>>()
        });
        lpips.distance(&source, &edited, (SIDE, SIDE)).map(Ok)
    }

    fn distance(
        &self,
        before: &Background,
        after: &Background,
    ) -> Result<Result<f64, MissingMetric>, ModelError> {
        let lpips = match &self.lpips {
            Ok(lpips) => lpips,
            Err(missing) => return Ok(Err(missing.clone())),
        };
        lpips.distance(before.rgb(), after.rgb(), (before.width(), before.height())).map(Ok)
    }

    fn clip_score(
        &self,
        edited: &Pixels,
        region: Region,
        text: Option<&str>,
    ) -> Result<Result<f64, MissingMetric>, ModelError> {
        let Some(text) = text else { return Ok(Err(MissingMetric::TextNotGiven)) };
        let clip = match &self.clip {
            Ok(clip) => clip,
            Err(missing) => return Ok(Err(missing.clone())),
        };
        if !region.has_inside() {
            return Ok(Err(MissingMetric::RegionWithoutInside));
        }
        let corners = [region.left, region.top, region.right, region.bottom].map(f64::from);
        let cut = crop(edited, corners).map_err(ModelError::from)?;
        clip.score(&cut, text).map(Ok)
    }
}

/// An image at the size at which it is measured, which is all that is kept of it: the next one needs the memory.
pub struct Scaled {
    pixels: Pixels,
    /// Of the image itself.
    pub size: [u32; 2],
}

impl Scaled {
    #[must_use]
    pub fn of(pixels: &Pixels) -> Self {
        let size = [pixels.width(), pixels.height()];
        Self { pixels: resize(pixels, SIDE, SIDE, Filter::Bicubic), size }
    }
}

fn visible_share(mask: &GrayPixels) -> f64 {
    let hidden: u64 = mask.values().iter().copied().map(u64::from).sum();
    1.0 - hidden as f64 / (255.0 * mask.values().len() as f64)
}

fn parted(measured: Result<f64, MissingMetric>) -> (Option<f64>, Option<MissingMetric>) {
    match measured {
        Ok(value) => (Some(value), None),
        Err(missing) => (None, Some(missing)),
    }
}

type Found<T> = Result<T, MissingMetric>;

fn locate_lpips(weights: &EditWeights) -> Result<Found<[PathBuf; 2]>, ObserverError> {
    let locate = |given: &Option<PathBuf>, member: Member| {
        if let Some(path) = given {
            let path = path.clone();
            return if path.is_file() { Ok(Ok(path)) } else { Err(ObserverError::NoSuchFile { path }) };
        }
        found(locate_member(&member, &weights.places, Hashing::Recorded), "lpips")
    };
    let trunk = locate(&weights.lpips_trunk, Member::Url(weights::LPIPS_TRUNK))?;
    let heads = locate(&weights.lpips_heads, Member::Package(weights::LPIPS_HEADS))?;
    Ok(trunk.and_then(|trunk| heads.map(|heads| [trunk, heads])))
}

fn locate_clip(weights: &EditWeights) -> Result<Found<PathBuf>, ObserverError> {
    if weights.clip.is_some() {
        return given_or_pulled(weights.clip.as_deref(), Model::Clip, &weights.places).map(Ok);
    }
    found(locate_member(&Member::Hub(weights::CLIP), &weights.places, Hashing::Recorded), "geneval")
}

/// Absent weights are missing; damaged ones are an error.
fn found(
    located: Result<weights::Located, StoreError>,
    set: &'static str,
) -> Result<Found<PathBuf>, ObserverError> {
    match located {
        Ok(located) => Ok(Ok(located.path)),
        Err(error @ StoreError::Missing { .. }) => {
            Ok(Err(MissingMetric::WeightsAbsent { reason: error.to_string(), set }))
        }
        Err(error) => Err(ObserverError::NotHere(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_tells_versions_and_weights() {
        let facts = EditMeterFacts {
            version: 1,
            lpips_sha256: Some(["aa".to_owned(), "bb".to_owned()]),
            clip_sha256: None,
            parameters: "device=cpu;dtype=f32".to_owned(),
            is_lpips_official: false,
            is_clip_official: false,
        };
        assert_eq!(facts.id(), "edit-metrics-1;lpips=aa+bb;clip=-;device=cpu;dtype=f32");
    }
}
