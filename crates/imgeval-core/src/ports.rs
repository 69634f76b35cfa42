//! The ports behind which expensive observers live.

use crate::{
    ColorScores, Detection, Pixels,
    ids::{ObserverId, hash_parts},
};

/// Who observed, exactly enough to know whether two observations may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverMeta {
    /// Short name, such as `preview`.
    pub id: String,
    /// For people: network and training data.
    pub title: String,
    /// Raised whenever our code could give other numbers for the same input.
    pub version: u32,
    /// SHA-256 of the weight file, or empty where there is none.
    pub weights_sha256: String,
    /// Everything else that changes the answer: input size, floors, suppression.
    pub parameters: String,
    /// Whether its scores may stand beside official ones.
    pub is_comparable: bool,
}

impl ObserverMeta {
    /// The hash of every field that can change the answer, 16 hexadecimal digits.
    #[must_use]
    pub fn observer_id(&self) -> ObserverId {
        let version = self.version.to_string();
        let parts = [&self.id, &version, &self.weights_sha256, &self.parameters];
        ObserverId::new(&hash_parts(parts.map(String::as_str))[..16])
    }
}

/// Finds objects of the 80 COCO categories.
pub trait Detector: Send + Sync {
    fn meta(&self) -> &ObserverMeta;

    /// Every detection above the detector's floor, best first.
    ///
    /// # Errors
    /// When the network cannot process these pixels; the caller records it and goes on.
    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError>;
}

/// Names the colour of detected objects.
pub trait ColorNamer: Send + Sync {
    fn meta(&self) -> &ObserverMeta;

    /// Ten scores for each detection, in the order given.
    ///
    /// # Errors
    /// As for [`Detector::inspect`].
    fn color_scores(
        &self,
        pixels: &Pixels,
        detections: &[Detection],
    ) -> Result<Vec<ColorScores>, DetectError>;
}

#[derive(Debug, thiserror::Error)]
#[error("`{observer}` could not process the image: {detail}")]
pub struct DetectError {
    pub observer: String,
    pub detail: String,
}
