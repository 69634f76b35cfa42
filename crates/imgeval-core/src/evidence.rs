//! What an observer saw, verbatim and without an opinion.

use crate::{
    Category, Color,
    ids::{ContentHash, ObserverId},
};

/// Corners in pixels of the upright image: left, top, right, bottom. May reach over the border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    pub x1: f32,
    pub y1: f32,
    pub x2: f32,
    pub y2: f32,
}

impl BoundingBox {
    #[must_use]
    pub fn to_array(self) -> [f32; 4] {
        [self.x1, self.y1, self.x2, self.y2]
    }

    #[must_use]
    pub fn from_array([x1, y1, x2, y2]: [f32; 4]) -> Self {
        Self { x1, y1, x2, y2 }
    }
}

/// One score per colour, in the order of [`crate::categories::COLOR_NAMES`]; larger is likelier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScores(pub [f32; 10]);

impl ColorScores {
    /// The colour with the largest score; the first of equals. `None` if no score is above zero.
    #[must_use]
    pub fn best(&self) -> Option<Color> {
        let mut best: Option<(usize, f32)> = None;
        for (index, &score) in self.0.iter().enumerate() {
            if score > best.map_or(0.0, |(_, score)| score) {
                best = Some((index, score));
            }
        }
        best.and_then(|(index, _)| Color::from_index(index))
    }
}

/// One detected object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub category: Category,
    /// Confidence in [0, 1].
    pub score: f32,
    pub bounding_box: BoundingBox,
    pub colors: Option<ColorScores>,
}

/// Everything one observer saw in one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub image: ContentHash,
    pub observer: ObserverId,
    /// Size of the upright image in pixels.
    pub width: u32,
    pub height: u32,
    pub detections: Vec<Detection>,
}
