//! What the detectors with a head on CLIP's shared vision encoder have in common.

use std::sync::Arc;

use imgeval_core::Pixels;

use crate::{
    networks::{clip_trunk::Features, heads::side_of},
    port::{Description, Detector, ForensicsError, Judgment},
    preparation::{CLIP, sha256},
    source::{Reader, SourceImage},
    trace::Trace,
    trunks::SharedTrunk,
};

/// Crops a square of this side from an image.
pub(super) type Crop = fn(&Pixels, u32) -> Pixels;

/// A head that reads one logit out of the encoder's features.
pub(super) trait Readout: Send + Sync {
    fn logit(&self, features: &Features, trace: &mut Trace) -> Result<f32, ForensicsError>;
}

/// A head over one crop, whose trunk others share.
pub(super) struct ClipDetector {
    pub(super) description: &'static Description,
    pub(super) pipeline: &'static str,
    pub(super) trunk: Arc<SharedTrunk>,
    pub(super) crop: Crop,
    pub(super) readout: Box<dyn Readout>,
}

impl ClipDetector {
    /// The logit of a crop, and the crop's hash.
    pub(super) fn judge_crop(
        &self,
        crop: &Pixels,
        trace: &mut Trace,
    ) -> Result<(f32, String), ForensicsError> {
        let hash = sha256(crop);
        let features = self.trunk.features(crop, &hash, CLIP, trace)?;
        Ok((self.readout.logit(&features, trace)?, hash))
    }
}

impl Detector for ClipDetector {
    fn description(&self) -> &'static Description {
        self.description
    }

    fn pipeline(&self) -> &'static str {
        self.pipeline
    }

    fn judge_traced(&self, image: &SourceImage, trace: &mut Trace) -> Result<Judgment, ForensicsError> {
        let crop = (self.crop)(image.read_by(Reader::Pillow), side_of(self.trunk.network().side())?);
        let (logit, hash) = self.judge_crop(&crop, trace)?;
        Ok(Judgment::of_logit(logit, Some(hash)))
    }
}
