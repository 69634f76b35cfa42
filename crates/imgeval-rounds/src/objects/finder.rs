//! The detector that finds objects.

use imgeval_core::{BoundingBox, Category, Detector, Pixels};
use imgeval_fetch::weights::StoreError;
use imgeval_metrics::consistency::FrameBox;
use imgeval_observe::{DetectorSettings, ObserverError, load_detector};

use crate::networks::said;

/// A detection counts above this score, as EdiVal has it for its own detector.
const LEAST_SCORE: f32 = 0.35;

/// Finds the objects of an image, if a detector is installed.
pub struct ObjectFinder {
    detector: Option<Box<dyn Detector>>,
    /// Names the detector, its weights and how it computes.
    id: String,
    note: String,
}

/// An object in an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundObject {
    pub(crate) category: Category,
    pub(crate) score: f64,
    /// In shares of the image.
    pub(crate) region: FrameBox,
}

impl ObjectFinder {
    /// None; the reason ends a sentence.
    #[must_use]
    pub fn none(reason: &str) -> Self {
        let note = format!("Whether objects and background are kept is not measured: {reason}.");
        Self { detector: None, id: "-".to_owned(), note }
    }

    /// With this detector; `conditions` says how it computes, as far as that could change its answers.
    #[must_use]
    pub fn new(detector: Box<dyn Detector>, conditions: &str) -> Self {
        let meta = detector.meta();
        let id = format!("{};{conditions};above={LEAST_SCORE}", meta.observer_id());
        let note = format!(
            "Objects are detections by {} with a score above {LEAST_SCORE}; objects named by any instruction so far are excluded.",
            meta.title
        );
        Self { detector: Some(detector), id, note }
    }

    /// Loads the requested detector. Weights that were not pulled are not an error but reported in [`Self::note`].
    ///
    /// # Errors
    /// If named or installed weights cannot be used, or the detector fails its check.
    pub fn load(asked: &DetectorSettings) -> Result<Self, ObserverError> {
        let detector = match load_detector(asked) {
            Ok(detector) => detector,
            Err(
                ObserverError::NotHere(StoreError::Missing { id, .. })
                | ObserverError::PreviewNotHere(StoreError::Missing { id, .. }),
            ) => {
                return Ok(Self::none(&format!("weights `{id}` are not installed")));
            }
            Err(error) => return Err(error),
        };
        detector.canary().map_err(ObserverError::Detector)?;
        let compute = asked.compute;
        Ok(Self::new(
            detector,
            &format!("device={};dtype={}", compute.device.name(), compute.precision.name()),
        ))
    }

    /// Which detector looks, or why none does, in a sentence.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Whether no detector is here.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.detector.is_none()
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Best first.
    pub(crate) fn find(&self, pixels: &Pixels) -> Result<Vec<FoundObject>, String> {
        let detector = self.detector.as_ref().ok_or_else(|| "no detector is installed".to_owned())?;
        let found = detector.inspect(pixels).map_err(said)?;
        let sides = [pixels.width(), pixels.height()].map(f64::from);
        let share = |BoundingBox { x1, y1, x2, y2 }: BoundingBox| {
            let [left, top, right, bottom] = [x1, y1, x2, y2].map(f64::from);
            FrameBox::of([left / sides[0], top / sides[1], right / sides[0], bottom / sides[1]])
        };
        let counted = found.into_iter().filter(|found| found.score > LEAST_SCORE);
        let object = counted.map(|found| FoundObject {
            category: found.category,
            score: f64::from(found.score),
            region: share(found.bounding_box),
        });
        Ok(object.collect())
    }
}
