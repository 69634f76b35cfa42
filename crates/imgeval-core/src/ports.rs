//! The ports behind which expensive observers live.

use crate::{
    ColorScores, Detection, Fact, Pixels, facts_of,
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
    /// SHA-256 of the weight file, or empty if there is none.
    pub weights_sha256: String,
    /// Everything else that changes the answer: input size, floors, suppression.
    pub parameters: String,
    /// Whether its scores are comparable with official ones.
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

    /// The single facts that [`Self::parameters`] holds.
    pub fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        facts_of(&self.parameters)
    }
}

/// The sizes that an image takes on its way into a detector, width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSize {
    pub resized: [u32; 2],
    /// After padding.
    pub padded: [u32; 2],
}

/// Finds objects of the 80 COCO categories.
pub trait Detector: Send + Sync {
    fn meta(&self) -> &ObserverMeta;

    /// Every detection that the detector reports, best first; scores and boxes are finite, masks have the image's size.
    ///
    /// # Errors
    /// When the network cannot process these pixels; the caller records it and goes on.
    fn inspect(&self, pixels: &Pixels) -> Result<Vec<Detection>, DetectError>;

    /// No detection scores less; part of `meta().parameters` where it is above zero.
    fn floor(&self) -> f32 {
        0.0
    }

    /// How large an image of this size enters the network, where that says something.
    fn input_size(&self, _width: u32, _height: u32) -> Option<InputSize> {
        None
    }

    /// A quick look at something known, so that a broken network never scores.
    ///
    /// # Errors
    /// If the outcome is not the known one.
    fn canary(&self) -> Result<(), DetectError> {
        Ok(())
    }
}

/// Which detections a namer should be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorScope {
    /// Every one: naming is cheap.
    EveryDetection,
    /// Only those whose color a case asks for: naming is dear, and done in batches.
    AskedFor,
}

/// Names the color of detected objects.
pub trait ColorNamer: Send + Sync {
    fn meta(&self) -> &ObserverMeta;

    fn scope(&self) -> ColorScope;

    /// Ten finite scores for each detection, image by image in the order given; how they name a color is said with them.
    /// The number of detections, over all images, is bounded by the caller.
    ///
    /// # Errors
    /// As for [`Detector::inspect`].
    fn color_scores(&self, batch: &[(&Pixels, &[Detection])]) -> Result<Vec<Vec<ColorScores>>, DetectError>;

    /// As [`Detector::canary`].
    ///
    /// # Errors
    /// If the outcome is not the known one.
    fn canary(&self) -> Result<(), DetectError> {
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{observer}` could not process the image: {detail}")]
pub struct DetectError {
    pub observer: String,
    pub detail: String,
}

/// A line of text, or a part of one, in one place of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLine {
    /// x and y of the box's corners in pixels of the image, inside it, clockwise from the top left.
    pub corners: [[f64; 2]; 4],
    pub text: String,
    /// From 0 to 1.
    pub confidence: f32,
}

/// Reads the text in images.
pub trait TextReader: Send + Sync {
    fn meta(&self) -> &ObserverMeta;

    /// Whether a reading can hold this character at all. What it cannot read must not count as an error of the image.
    fn knows(&self, character: char) -> bool;

    /// Every line that is read, from top to bottom and left to right.
    ///
    /// # Errors
    /// If the image cannot be looked at, or the network cannot process these pixels; the caller records it and goes on.
    fn read(&self, pixels: &Pixels) -> Result<Vec<TextLine>, ReadError>;

    /// As [`Detector::canary`].
    ///
    /// # Errors
    /// If the outcome is not the known one.
    fn canary(&self) -> Result<(), DetectError> {
        Ok(())
    }
}

/// Why an image has no text, which is not the same as an image without text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("an image of {width}x{height} pixels is too narrow to be read")]
    TooThin { width: u32, height: u32 },
    #[error(transparent)]
    Network(#[from] DetectError),
}
