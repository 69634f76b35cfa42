//! What an observer saw, verbatim and without an opinion.

use crate::{
    Category, Color, Mask,
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

/// How the name of a color follows from ten scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorRule {
    /// The largest score names the color, whatever it is (GenEval's rule; CLIP's scores may all be negative).
    Argmax,
    /// The largest score names the color if it is above zero; otherwise it is none of the ten.
    PositiveOnly,
}

/// One score per color, in the order of [`crate::categories::COLOR_NAMES`]; larger is likelier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScores {
    /// Finite numbers.
    pub values: [f32; 10],
    pub rule: ColorRule,
}

impl ColorScores {
    /// The color that the rule names; the first of equals.
    #[must_use]
    pub fn best(&self) -> Option<Color> {
        let mut best = (0, self.values[0]);
        for (index, &score) in self.values.iter().enumerate().skip(1) {
            if score > best.1 {
                best = (index, score);
            }
        }
        match self.rule {
            ColorRule::PositiveOnly if best.1 <= 0.0 => None,
            ColorRule::Argmax | ColorRule::PositiveOnly => Color::from_index(best.0),
        }
    }
}

/// One detected object.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    pub category: Category,
    /// Confidence in [0, 1].
    pub score: f32,
    pub bounding_box: BoundingBox,
    /// The pixels of the object, if the detector provides them; of the image's size.
    pub mask: Option<Mask>,
    /// `None` if its color was not determined.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: ColorRule, values: [f32; 10], name: Option<&str>) {
        assert_eq!(ColorScores { values, rule }.best().map(Color::name), name, "{rule:?} {values:?}");
    }

    #[test]
    fn the_rule_says_what_becomes_of_scores_below_zero() {
        let logits = [-5.0, -4.0, -3.0, -9.0, -2.5, -2.5, -7.0, -7.0, -7.0, -7.0];
        check(ColorRule::Argmax, logits, Some("blue"));
        check(ColorRule::PositiveOnly, logits, None);
        check(ColorRule::Argmax, [0.0; 10], Some("red"));
        check(ColorRule::PositiveOnly, [0.0; 10], None);
        let mut shares = [0.0; 10];
        (shares[9], shares[8]) = (0.1, 0.1);
        check(ColorRule::Argmax, shares, Some("black"));
        check(ColorRule::PositiveOnly, shares, Some("black"));
    }
}
